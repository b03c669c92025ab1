//! A file of digests, as the downloader of Pwned Passwords writes it: a line for each, sorted, of 40 hexadecimal digits
//! and, behind a colon, how often it was seen. It may be tens of GB large: a look-up reads some forty places of it.
//!
//! It is opened once. A file that takes its place is not noticed before the next start; one that is changed where it
//! lies may give wrong answers meanwhile.

use std::{cmp::Ordering, fs::File, io, os::unix::fs::FileExt, path::Path};

use super::digest::{DIGITS, PasswordDigest};

/// How much is read at once.
const CHUNK: usize = 256;
/// How many places are looked at when the file is opened.
const SAMPLES: u64 = 256;
/// The digits of a line.
type Digits = [u8; DIGITS];

/// A file that was looked at and may be searched.
pub(super) struct HashFile {
    file: File,
    length: u64,
}

/// Why a file cannot be searched.
#[derive(Debug, thiserror::Error)]
pub enum InvalidHashFile {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    /// There is nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// A line has another form.
    #[error("byte {0}: a line must have 40 hexadecimal digits, and a number behind a colon")]
    Line(u64),
    /// The lines are in another order.
    #[error("byte {0}: the lines must be sorted")]
    Order(u64),
}

impl HashFile {
    /// Opens a file, and looks at its first line, its last line and some between.
    pub(super) fn open(path: &Path) -> Result<Self, InvalidHashFile> {
        let file = File::open(path)?;
        let file = Self { length: file.metadata()?.len(), file };
        if file.length == 0 {
            return Err(InvalidHashFile::Empty);
        }
        let mut last: Option<(u64, Digits)> = None;
        for sample in 0..SAMPLES {
            let place = u128::from(file.length) * u128::from(sample) / u128::from(SAMPLES);
            let Some(line) = file.line_from(u64::try_from(place).unwrap_or(0))? else { break };
            last = file.follow(last, line)?.or(last);
        }
        if let Some(line) = file.last_line()? {
            file.follow(last, line)?;
        }
        Ok(file)
    }

    /// The line that begins here, if it comes behind the one before it in its order as well.
    fn follow(&self, last: Option<(u64, Digits)>, start: u64) -> Result<Option<(u64, Digits)>, InvalidHashFile> {
        let digits = self.line_at(start)?.ok_or(InvalidHashFile::Line(start))?;
        match last {
            Some((before, _)) if before >= start => Ok(None),
            Some((_, smaller)) if smaller >= digits => Err(InvalidHashFile::Order(start)),
            _ => Ok(Some((start, digits))),
        }
    }

    /// Whether a digest is in it: of all places, the first one is sought that no line behind it is smaller.
    pub(super) fn contains(&self, digest: &PasswordDigest) -> io::Result<bool> {
        let sought = digest.digits().as_bytes();
        let (mut from, mut to) = (0, self.length);
        while from < to {
            let middle = u64::midpoint(from, to);
            match self.digits_from(middle)?.map(|digits| digits.as_slice().cmp(sought)) {
                Some(Ordering::Equal) => return Ok(true),
                Some(Ordering::Less) => from = middle + 1,
                Some(Ordering::Greater) | None => to = middle,
            }
        }
        Ok(self.digits_from(from)?.is_some_and(|digits| digits == sought))
    }

    /// The digits of the first line that begins at this place or behind it.
    fn digits_from(&self, place: u64) -> io::Result<Option<Digits>> {
        let Some(start) = self.line_from(place)? else { return Ok(None) };
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, InvalidHashFile::Line(start).to_string());
        self.line_at(start)?.map(Some).ok_or_else(malformed)
    }

    /// Where the first line begins at this place or behind it.
    fn line_from(&self, place: u64) -> io::Result<Option<u64>> {
        let Some(mut place) = place.checked_sub(1) else { return Ok(Some(0)) };
        let mut chunk = [0; CHUNK];
        loop {
            let read = self.read(place, &mut chunk)?;
            let Some(read) = chunk.get(..read).filter(|read| !read.is_empty()) else { return Ok(None) };
            if let Some(end) = read.iter().position(|byte| *byte == b'\n') {
                let start = place + to_u64(end) + 1;
                return Ok((start < self.length).then_some(start));
            }
            place += to_u64(read.len());
        }
    }

    /// The digits of the line that begins here, in upper case, or nothing when it is no line of digits.
    fn line_at(&self, start: u64) -> io::Result<Option<Digits>> {
        let mut line = [0; CHUNK];
        let read = self.read(start, &mut line)?;
        let line = line.get(..read).unwrap_or_default();
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some((digits, count)) = line.split_first_chunk::<DIGITS>() else { return Ok(None) };
        let is_count = count.is_empty() || count.strip_prefix(b":").is_some_and(is_number);
        let is_line = is_count && digits.iter().all(u8::is_ascii_hexdigit);
        Ok(is_line.then(|| digits.map(|digit| digit.to_ascii_uppercase())))
    }

    /// Where the last line begins, when it is no longer than what is read at once.
    fn last_line(&self) -> io::Result<Option<u64>> {
        let place = self.length.saturating_sub(to_u64(CHUNK));
        let mut end = [0; CHUNK];
        let read = self.read(place, &mut end)?;
        let end = end.get(..read).unwrap_or_default();
        let end = end.strip_suffix(b"\n").unwrap_or(end);
        let before = end.iter().rposition(|byte| *byte == b'\n').map(|at| place + to_u64(at) + 1);
        Ok(before.or((place == 0).then_some(0)))
    }

    /// Reads until the buffer is full or the file ends, and answers how much that is.
    fn read(&self, place: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut read = 0;
        while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, place + to_u64(read)) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(read)
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

fn to_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
