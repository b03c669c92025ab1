//! Text taken apart into lines, none of which takes more memory than a line may.

use std::io::{self, BufRead, ErrorKind};

/// The bound on a line, in bytes: the largest user has less than half of it, however it is escaped.
pub const MAX_LINE: usize = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line as it was read, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawLine {
    /// What it says.
    Text(Vec<u8>),
    /// It has more than [`MAX_LINE`] bytes.
    TooLong,
}

/// The lines of a text, with their numbers, the first of which is 1. Lines that are empty are counted and left out. A line
/// may end in CR LF, and the last one in nothing. A byte order mark before the first one is left out.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    number: u64,
    has_ended: bool,
}

impl<R: BufRead> Lines<R> {
    /// The lines that `reader` reads.
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0, has_ended: false }
    }

    /// The next line, whatever it says. None is the end.
    fn read(&mut self) -> io::Result<Option<RawLine>> {
        let (mut text, mut is_long, mut is_begun) = (Vec::new(), false, false);
        loop {
            let found = match self.reader.fill_buf() {
                Ok(found) => found,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if found.is_empty() {
                break;
            }
            is_begun = true;
            let end = found.iter().position(|byte| *byte == b'\n');
            let part = found.get(..end.unwrap_or(found.len())).unwrap_or_default();
            // Two more than a line may have, for CR and a byte order mark are none of it.
            is_long = is_long || text.len() + part.len() > MAX_LINE + 1 + BYTE_ORDER_MARK.len();
            if is_long {
                text = Vec::new();
            } else {
                text.extend_from_slice(part);
            }
            let read = part.len() + usize::from(end.is_some());
            self.reader.consume(read);
            if end.is_some() {
                break;
            }
        }
        if !is_begun {
            return Ok(None);
        }
        self.number += 1;
        if text.last() == Some(&b'\r') {
            text.pop();
        }
        if self.number == 1 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        let is_long = is_long || text.len() > MAX_LINE;
        Ok(Some(if is_long { RawLine::TooLong } else { RawLine::Text(text) }))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<(u64, RawLine)>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_ended {
            match self.read() {
                Ok(Some(RawLine::Text(text))) if text.trim_ascii().is_empty() => {}
                Ok(Some(line)) => return Some(Ok((self.number, line))),
                Ok(None) => self.has_ended = true,
                Err(e) => {
                    self.has_ended = true;
                    return Some(Err(e));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &[u8], buffer: usize) -> Vec<(u64, RawLine)> {
        Lines::new(BufReader::with_capacity(buffer, text)).map(Result::unwrap).collect()
    }

    #[test]
    fn lines_are_told_apart_however_they_end() {
        for buffer in [1, 2, 3, 1000] {
            let read = lines(b"\xef\xbb\xbf{}\r\n\n  \r\n\xef\xbb\xbf{}\nlast", buffer);
            let text = |text: &[u8]| RawLine::Text(text.to_vec());
            assert_eq!(read, [(1, text(b"{}")), (4, text(b"\xef\xbb\xbf{}")), (5, text(b"last"))], "{buffer}");
        }
        assert!(lines(b"", 10).is_empty() && lines(b"\n\n", 10).is_empty());
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_not_kept() {
        let longest = vec![b'a'; MAX_LINE];
        let text =
            [BYTE_ORDER_MARK, &longest, b"\r\na", &longest, b"\nb\n", &longest, b"aaaaaaaaaaaaaaaaaaaa"].concat();
        for buffer in [1, 8192, 1 << 20] {
            let read = lines(&text, buffer);
            let expected =
                [RawLine::Text(longest.clone()), RawLine::TooLong, RawLine::Text(b"b".into()), RawLine::TooLong];
            assert_eq!(read, (1..).zip(expected).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_signal_that_comes_while_it_reads_is_no_error() {
        struct Interrupted<'t>(bool, &'t [u8]);
        impl io::Read for Interrupted<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::take(&mut self.0) { Err(ErrorKind::Interrupted.into()) } else { self.1.read(buffer) }
            }
        }
        let read = Lines::new(BufReader::new(Interrupted(true, b"{}\n"))).map(Result::unwrap).collect::<Vec<_>>();
        assert_eq!(read, [(1, RawLine::Text(b"{}".into()))]);
    }

    #[test]
    fn after_an_error_there_is_no_more() {
        struct Broken;
        impl io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        let mut lines = Lines::new(BufReader::new(Broken));
        assert!(lines.next().unwrap().is_err());
        assert!(lines.next().is_none());
    }
}
