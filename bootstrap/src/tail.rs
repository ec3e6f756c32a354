//! Lines out of a stream that is cut anywhere, and the place in the file behind the last whole one.

/// A line longer than this is not one of ours.
const LONGEST: usize = 1 << 20;

/// Collects bytes until they make lines. After a lost connection the file is read again from [`Tail::offset`].
#[derive(Debug, Default)]
pub(crate) struct Tail {
    offset: u64,
    partial: Vec<u8>,
}

impl Tail {
    /// Where the first byte stands that is not part of a delivered line.
    #[must_use]
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Forgets the beginning of a line: its bytes will come again.
    pub(crate) fn resume(&mut self) -> u64 {
        self.partial.clear();
        self.offset
    }

    /// Takes bytes and gives the lines that they complete, without their line ends.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.offset += self.partial.len() as u64;
                let line = &self.partial[..self.partial.len() - 1];
                if line.len() <= LONGEST {
                    lines.push(String::from_utf8_lossy(line).into_owned());
                }
                self.partial.clear();
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_is_given_when_it_is_whole() {
        let mut tail = Tail::default();
        assert!(tail.push(b"{\"a\":").is_empty());
        assert_eq!(tail.offset(), 0);
        assert_eq!(tail.push(b"1}\n{\"b\""), ["{\"a\":1}"]);
        assert_eq!(tail.offset(), 8);
    }

    #[test]
    fn after_a_cut_the_partial_line_comes_again() {
        let mut tail = Tail::default();
        tail.push(b"one\ntw");
        assert_eq!(tail.resume(), 4);
        assert_eq!(tail.push(b"two\n"), ["two"]);
        assert_eq!(tail.offset(), 8);
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut_every_line_comes_once(
            lines in proptest::collection::vec("[a-zé]{0,12}", 0..12),
            cuts in proptest::collection::vec((1usize..7, any::<bool>()), 1..60),
        ) {
            let file: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let (mut tail, mut got, mut at) = (Tail::default(), Vec::new(), 0);
            for (length, lost) in cuts.iter().cycle().take(4 * file.len() + 1) {
                let end = (at + length).min(file.len());
                got.extend(tail.push(&file[at..end]));
                at = end;
                if *lost && at < file.len() && cuts.iter().any(|(_, lost)| !lost) {
                    at = usize::try_from(tail.resume()).unwrap();
                }
            }
            if at == file.len() {
                prop_assert_eq!(got, lines);
            }
        }
    }
}
