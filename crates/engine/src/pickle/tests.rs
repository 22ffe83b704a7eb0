//! With what Python's own libraries write.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

/// Files that `script` writes into a folder. `None` where a library is not
/// installed.
fn written(script: &str) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let output =
        Command::new("python3").args(["-c", script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("ModuleNotFoundError") {
        eprintln!("not tried: {said}");
        return None;
    }
    assert!(output.status.success(), "{said}");
    Some(folder)
}

fn verdicts(folder: &Path) -> Vec<(String, Option<String>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, pickled(&entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[track_caller]
fn all(folder: Option<tempfile::TempDir>, are_pickles: bool) {
    let Some(folder) = folder else { return };
    let verdicts = verdicts(folder.path());
    assert!(!verdicts.is_empty());
    for (name, found) in verdicts {
        assert_eq!(found.is_some(), are_pickles, "{name}: {found:?}");
    }
}

/// An innocent name, so that the content decides.
#[test]
fn a_pickle_is_known_by_its_content_in_every_protocol_and_compression() {
    let script = "
import pickle, gzip, zlib, io, tarfile, zipfile
class A: pass
A.__module__ = 'os'; import os; os.A = A
for p in range(6):
    data = pickle.dumps([A(), 'x' * 300, 1.5, {1: (2, None)}], p)
    open(f'{p}.bin', 'wb').write(data)
    open(f'{p}.gzipped', 'wb').write(gzip.compress(data))
    open(f'{p}.zlibbed', 'wb').write(zlib.compress(data))
    open(f'{p}.twice', 'wb').write(gzip.compress(zlib.compress(data)))
    with zipfile.ZipFile(f'{p}.stored', 'w') as z: z.writestr('weights', data)
    with zipfile.ZipFile(f'{p}.deflated', 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('weights', data)
    with tarfile.open(f'{p}.tarred', 'w') as t:
        t.addfile(tarfile.TarInfo('empty'))
        info = tarfile.TarInfo('weights'); info.size = len(data); t.addfile(info, io.BytesIO(data))
open('exec.txt', 'wb').write(b\"cos\\nsystem\\n(S'true'\\ntR.\")
open('inst.txt', 'wb').write(b\"(S'true'\\nios\\nsystem\\n.\")
open('bare.bin', 'wb').write(b'\\x8c\\x02os\\x8c\\x06system\\x93\\x8c\\x04true\\x85R.')
open('framed.bin', 'wb').write(b'\\x95' + bytes(8) + b'\\x8d\\x02' + bytes(7) + b'os\\x94\\x8c\\x06system\\x93)R.')
with zipfile.ZipFile('bz2.bin', 'w', zipfile.ZIP_BZIP2) as z: z.writestr('weights', b'anything')
shifted = open('3.stored', 'rb').read()
open('prefixed.bin', 'wb').write(b'something before' + shifted)
for name in ['a.pkl', 'a.pickle.xz', 'A.JOBLIB', 'a.pkl.zst']: open(name, 'wb').write(b'0')
";
    all(written(script), true);
}

#[test]
fn arrays_of_objects_are_pickles_and_arrays_of_numbers_are_not() {
    let script = |dtype: &str| {
        format!(
            "
import numpy as np
a = np.array([(1, 2)], dtype={dtype})
np.save('a.npy', a)
np.savez('b.npz', x=np.zeros(3), a=a)
np.savez_compressed('c.npz', x=np.zeros(3), a=a)
"
        )
    };
    all(written(&script("object")), true);
    all(written(&script("[('f', 'O'), ('g', 'f4')]")), true);
    all(written(&script("[('f', 'f4'), ('g', 'i8')]")), false);
}

#[test]
fn what_torch_saves_is_a_pickle() {
    let script = "
import torch
torch.save({'w': torch.zeros(3)}, 'model.pt')
torch.save({'w': torch.zeros(3)}, 'old.pt', _use_new_zipfile_serialization=False)
";
    all(written(script), true);
}

#[test]
fn data_is_no_pickle() {
    let script = r"
import gzip, json, random, struct, zipfile
random.seed(1)
text = {
    'a.json': json.dumps({'a': [1, 2.5, None]}),
    'a.csv': 'c1,c2\n3,4\n0.5,1\n',
    'words.csv': 'cat\ndog\nbird\n',
    'number': '0.5', 'one': '1.5\n', 'loss.txt': 'loss: 0.25\n', 'list': '[1.5]', 'empty': '',
    'nested': '(1.5)', 'letter': 'I am 5.\n', 'dots': '...', 'N.txt': 'N.',
}
for name, content in text.items():
    open(name, 'w').write(content)
    open(name + '.packed', 'wb').write(gzip.compress(content.encode()))
header = json.dumps({'w': {'dtype': 'F32', 'shape': [2], 'data_offsets': [0, 8]}}).encode()
open('model.safetensors', 'wb').write(struct.pack('<Q', len(header)) + header + bytes(8))
for i in range(50):
    open(f'random{i}', 'wb').write(struct.pack('<100f', *[random.random() for _ in range(100)]))
with zipfile.ZipFile('ok.zip', 'w') as z: z.writestr('a.json', '{}')
open('truncated.gz', 'wb').write(gzip.compress(b'x' * 99)[:20])
";
    all(written(script), false);
}

#[test]
fn rubbish_neither_panics_nor_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let starts: [&[u8]; 8] = [
        b"PK\x03\x04",
        b"\x93NUMPY\x01\0\xff\xff",
        b"\x1f\x8b\x08",
        b"\x78\x9c",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"(((((",
        b"U\xff",
    ];
    let path = folder.path().join("x");
    for seed in 0..400_u64 {
        let mut bytes = starts[usize::try_from(seed % 8).unwrap()].to_vec();
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for _ in 0..seed {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push(state.to_le_bytes()[0]);
        }
        bytes.extend_from_slice(starts[usize::try_from(seed / 8 % 8).unwrap()]);
        bytes.resize(bytes.len() + usize::try_from(seed % 64).unwrap(), 0xff);
        fs::write(&path, bytes).unwrap();
        let _ = pickled(&path);
    }
}
