//! Is a file a pickle, or does it hold one? Loading a pickle runs code that
//! whoever wrote it chose, so it has no business in a sealed evaluation.
//!
//! By content, whatever the name says: pickles of every protocol, `torch.save`
//! in its zip, tar and plain forms, arrays of objects in `.npy` and `.npz`,
//! and all of these under gzip or zlib. What is compressed otherwise is judged
//! by its name.
//!
//! Sources: `pickletools.py` of `CPython`; NEP 1 (the NPY format); PKWARE's
//! APPNOTE (zip); POSIX.1-1988 (ustar).

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Archives within archives are followed so deep.
const DEPTH: u32 = 4;

/// More members, or a larger directory, than an artefact has.
const MEMBERS: u64 = 100_000;

/// Names that say it themselves.
const NAMES: [&str; 6] = [".pkl", ".pickle", ".joblib", ".dill", ".pck", ".cloudpickle"];

/// Beginnings of what is not unpacked here: bzip2, xz, lzma, lz4, zstandard.
const COMPRESSED: [&[u8]; 5] =
    [b"BZh", b"\xfd7zXZ\0", b"\x5d\0\0", b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd"];

/// In what way the file at `path` is or holds a pickle, as `it is a pickle`;
/// `None` when it does not.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn pickled(path: &Path) -> io::Result<Option<String>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if named(&name) {
        return Ok(Some("its name says that it is a pickle".to_owned()));
    }
    let mut file = File::open(path)?;
    if let Some(found) = zipped(&mut file)? {
        return Ok(Some(found));
    }
    file.rewind()?;
    streamed(&mut BufReader::new(file), &name, DEPTH)
}

/// Whether a name, compressed or not, is that of a pickle.
fn named(name: &str) -> bool {
    let name = ["", ".gz", ".z", ".bz2", ".xz", ".lzma", ".lz4", ".zst"]
        .iter()
        .rev()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name);
    NAMES.iter().any(|end| name.ends_with(end))
}

/// What a stream begins with.
fn streamed(stream: &mut dyn Read, name: &str, depth: u32) -> io::Result<Option<String>> {
    let mut head = Vec::new();
    stream.take(512).read_to_end(&mut head)?;
    let mut whole = io::Read::chain(head.as_slice(), stream);
    if head.starts_with(b"\x1f\x8b") {
        return Ok(unpacked(&mut MultiGzDecoder::new(whole), "gzip", name, depth));
    }
    if matches!(head.get(..2), Some([0x78, 0x01 | 0x5e | 0x9c | 0xda])) {
        return Ok(unpacked(&mut ZlibDecoder::new(whole), "zlib", name, depth));
    }
    if head.starts_with(b"\x93NUMPY") {
        let found = holds_objects(&mut whole)?;
        return Ok(found.then(|| "it is an array of objects, which numpy pickles".to_owned()));
    }
    if head.starts_with(b"PK\x03\x04") && depth < DEPTH {
        return Ok(Some("it is an archive within another, which may hold a pickle".to_owned()));
    }
    if head.get(257..262) == Some(b"ustar") {
        return in_tar(&mut whole, depth);
    }
    let is_weights = [".pt", ".pth", ".ckpt"].iter().any(|part| name.contains(part));
    if is_weights && COMPRESSED.iter().any(|magic| head.starts_with(magic)) {
        return Ok(Some("it is compressed and may hold a pickle".to_owned()));
    }
    let found = is_pickle(&mut BufReader::new(whole));
    Ok(found.then(|| "it is a pickle".to_owned()))
}

/// The same below a compression. What does not unpack is loaded by nobody.
fn unpacked(stream: &mut dyn Read, how: &str, name: &str, depth: u32) -> Option<String> {
    if depth == 0 {
        return Some("it is compressed too many times over".to_owned());
    }
    let found = streamed(stream, name, depth - 1).ok().flatten();
    found.map(|what| format!("below {how} {what}"))
}

/// Whether the header of an array names objects.
fn holds_objects(array: &mut dyn Read) -> io::Result<bool> {
    let mut start = [0; 8];
    array.read_exact(&mut start)?;
    let mut length = [0; 4];
    // Two bytes of length in version 1, four since.
    let width = if start[6] == 1 { 2 } else { 4 };
    array.read_exact(&mut length[..width])?;
    let mut header = Vec::new();
    array.take(u64::from(u32::from_le_bytes(length)).min(1 << 20)).read_to_end(&mut header)?;
    let header = String::from_utf8_lossy(&header);
    Ok(header.split(['\'', '"']).skip(1).step_by(2).any(|quoted| {
        let kind = quoted.trim_start_matches(['|', '<', '>', '=']);
        kind == "object" || kind == "O" || kind == "O4" || kind == "O8"
    }))
}

/// A member that is or holds a pickle, in a tar archive: torch's oldest form.
fn in_tar(archive: &mut dyn Read, depth: u32) -> io::Result<Option<String>> {
    if depth == 0 {
        return Ok(Some("it is an archive too many times over".to_owned()));
    }
    for _ in 0..MEMBERS {
        let mut header = [0; 512];
        if archive.read_exact(&mut header).is_err() || header[0] == 0 {
            return Ok(None);
        }
        let text = |range: std::ops::Range<usize>| {
            let field = &header[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_lowercase()
        };
        let name = text(0..100);
        let Ok(size) = u64::from_str_radix(&text(124..136), 8) else {
            return Ok(Some("it is an archive that cannot be looked through".to_owned()));
        };
        let mut member = (&mut *archive).take(size.next_multiple_of(512));
        let found = named(&name) || streamed(&mut member, &name, depth - 1)?.is_some();
        if found {
            return Ok(Some(format!("it is an archive with the pickle `{name}`")));
        }
        io::copy(&mut member, &mut io::sink())?;
    }
    Ok(Some("it is an archive with too many members to look through".to_owned()))
}

/// A member that is or holds a pickle, in a zip archive; `None` also for what
/// is no zip archive.
fn zipped(file: &mut File) -> io::Result<Option<String>> {
    let mut magic = [0; 4];
    let is_marked = file.read_exact(&mut magic).is_ok() && magic == *b"PK\x03\x04";
    match members(file) {
        Some(members) => {
            for member in members {
                let name = member.name.to_lowercase();
                if named(&name) || in_member(file, &member)?.is_some() {
                    return Ok(Some(format!("it is an archive with the pickle `{}`", member.name)));
                }
            }
            Ok(None)
        }
        None if is_marked => Ok(Some("it is an archive that cannot be looked through".to_owned())),
        None => Ok(None),
    }
}

struct Member {
    name: String,
    /// How it is compressed: 0 is not, 8 is deflate.
    method: u16,
    /// Of its local header.
    offset: u64,
}

fn in_member(file: &mut File, member: &Member) -> io::Result<Option<String>> {
    let mut header = [0; 30];
    file.seek(SeekFrom::Start(member.offset))?;
    file.read_exact(&mut header)?;
    let skip = u64::from(short(&header, 26)) + u64::from(short(&header, 28));
    file.seek(SeekFrom::Start(member.offset + 30 + skip))?;
    let name = member.name.to_lowercase();
    let mut content = BufReader::new(file);
    match member.method {
        // Its end is not needed: a pickle says where it ends.
        0 => streamed(&mut content, &name, DEPTH - 1),
        8 => Ok(unpacked(&mut DeflateDecoder::new(content), "deflate", &name, DEPTH)),
        _ => Ok(Some("it is compressed in a way that is not looked through".to_owned())),
    }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).map_or(0, |b| u16::from_le_bytes([b[0], b[1]]))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(short(bytes, at)) | (u64::from(short(bytes, at + 2)) << 16)
}

fn quad(bytes: &[u8], at: usize) -> u64 {
    long(bytes, at) | (long(bytes, at + 4) << 32)
}

/// What the directory at the end of a zip archive lists, wherever in the file
/// the archive begins.
fn members(file: &mut File) -> Option<Vec<Member>> {
    let length = file.seek(SeekFrom::End(0)).ok()?;
    let tail_at = length.saturating_sub(22 + 65_536 + 20);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(tail_at)).ok()?;
    file.take(22 + 65_536 + 20).read_to_end(&mut tail).ok()?;
    let at = tail.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let end = tail.get(at..at + 22)?;
    let (mut count, mut size, mut offset) =
        (u64::from(short(end, 10)), long(end, 12), long(end, 16));
    let mut end_at = tail_at + at as u64;
    if let Some(locator) = at.checked_sub(20).and_then(|from| tail.get(from..at))
        && locator.starts_with(b"PK\x06\x07")
    {
        // Zip64: its record lies just before the locator.
        end_at = end_at.checked_sub(20 + 56)?;
        let mut record = [0; 56];
        file.seek(SeekFrom::Start(end_at)).ok()?;
        file.read_exact(&mut record).ok()?;
        if !record.starts_with(b"PK\x06\x06") {
            return None;
        }
        (count, size, offset) = (quad(&record, 32), quad(&record, 40), quad(&record, 48));
    }
    if count > MEMBERS || size > 64 << 20 {
        return None;
    }
    // As Python's zipfile does it: the archive may have something before it.
    let shift = end_at.checked_sub(size)?.checked_sub(offset)?;
    let mut directory = Vec::new();
    file.seek(SeekFrom::Start(end_at - size)).ok()?;
    file.take(size).read_to_end(&mut directory).ok()?;
    let mut members = Vec::new();
    let mut rest = directory.as_slice();
    while rest.starts_with(b"PK\x01\x02") {
        let (names, extras, notes) =
            (short(rest, 28) as usize, short(rest, 30) as usize, short(rest, 32) as usize);
        let name = rest.get(46..46 + names)?;
        let extra = rest.get(46 + names..46 + names + extras)?;
        let local = wide_offset(rest, extra)?;
        members.push(Member {
            name: String::from_utf8_lossy(name).into_owned(),
            method: short(rest, 10),
            offset: local.checked_add(shift)?,
        });
        rest = rest.get(46 + names + extras + notes..)?;
    }
    Some(members)
}

/// Where a member's local header is, also in archives beyond 4 GiB.
fn wide_offset(entry: &[u8], mut extra: &[u8]) -> Option<u64> {
    const WIDE: u64 = 0xffff_ffff;
    let plain = long(entry, 42);
    if plain != WIDE {
        return Some(plain);
    }
    while extra.len() >= 4 {
        let (id, size) = (short(extra, 0), short(extra, 2) as usize);
        let field = extra.get(4..4 + size)?;
        if id == 1 {
            let before = [24, 20].iter().filter(|at| long(entry, **at) == WIDE).count();
            return (field.len() >= before * 8 + 8).then(|| quad(field, before * 8));
        }
        extra = &extra[4 + size..];
    }
    None
}

/// Whether a stream is a pickle: of protocol 2 and later by its first two
/// bytes, any other when its instructions can be followed to their end
/// and make anything but plain values.
fn is_pickle(stream: &mut dyn Read) -> bool {
    let Some(first) = byte(stream) else { return false };
    if first == 0x80 {
        return byte(stream).is_some_and(|protocol| protocol <= 5);
    }
    follow(stream, first).unwrap_or(false)
}

/// Follows the instructions of any protocol; `None` where there is no such
/// instruction.
fn follow(stream: &mut dyn Read, first: u8) -> Option<bool> {
    let mut makes_objects = false;
    let mut next = first;
    loop {
        match next {
            b'.' => return Some(makes_objects),
            0x8d | 0x8e | 0x96 => {
                let mut length = [0; 8];
                stream.read_exact(&mut length).ok()?;
                skip(stream, u64::from_le_bytes(length))?;
            }
            0x82 => {
                skip(stream, 1)?;
                makes_objects = true;
            }
            0x83 => {
                skip(stream, 2)?;
                makes_objects = true;
            }
            0x84 => {
                skip(stream, 4)?;
                makes_objects = true;
            }
            b'('
            | b')'
            | b'0'
            | b'1'
            | b'2'
            | b'N'
            | b'a'
            | b'd'
            | b'e'
            | b'l'
            | b's'
            | b't'
            | b'u'
            | b']'
            | b'}'
            | 0x85..=0x89
            | 0x8f..=0x91
            | 0x94 => {}
            b'R' | b'b' | b'o' | b'Q' | 0x81 | 0x92 | 0x93 => makes_objects = true,
            b'c' | b'i' => {
                for _ in 0..2 {
                    let name = line(stream)?;
                    let is_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
                    if name.is_empty() || !name.iter().all(is_name) {
                        return None;
                    }
                }
                makes_objects = true;
            }
            b'P' => {
                line(stream)?;
                makes_objects = true;
            }
            b'F' | b'I' | b'L' | b'S' | b'V' | b'g' | b'p' => {
                line(stream)?;
            }
            b'K' | b'h' | b'q' | 0x80 => skip(stream, 1)?,
            b'M' => skip(stream, 2)?,
            b'J' | b'j' | b'r' => skip(stream, 4)?,
            b'G' | 0x95 => skip(stream, 8)?,
            b'U' | 0x8c | b'C' | 0x8a => {
                let length = byte(stream)?;
                skip(stream, u64::from(length))?;
            }
            b'T' | b'X' | b'B' | 0x8b => {
                let mut length = [0; 4];
                stream.read_exact(&mut length).ok()?;
                skip(stream, u64::from(u32::from_le_bytes(length)))?;
            }
            _ => return None,
        }
        next = byte(stream)?;
    }
}

fn byte(stream: &mut dyn Read) -> Option<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte).ok().map(|()| byte[0])
}

fn skip(stream: &mut dyn Read, bytes: u64) -> Option<()> {
    let skipped = io::copy(&mut stream.take(bytes), &mut io::sink()).ok()?;
    (skipped == bytes).then_some(())
}

/// Up to the end of a line; a longer one than any instruction has ends it.
fn line(stream: &mut dyn Read) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        match byte(stream)? {
            b'\n' => return Some(line),
            other if line.len() < 1 << 20 => line.push(other),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
