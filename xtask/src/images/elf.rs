//! What has to be known of a program before it goes into an image: for which processor it is, and what it needs to start.

/// A processor in the words of OCI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// A program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) architecture: Architecture,
    /// The loader that it asks the system for; a static program asks for none.
    pub(super) interpreter: Option<String>,
}

/// The kind of a segment that names the loader.
const INTERPRETER: usize = 3;

/// Reads the head of a little-endian ELF file of 64 bits.
pub(super) fn read(file: &[u8]) -> Result<Program, &'static str> {
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err("it does not begin as a 64-bit ELF file does");
    }
    let architecture = match number(file, 18, 2) {
        Some(62) => Architecture::Amd64,
        Some(183) => Architecture::Arm64,
        _ => return Err("it is for a processor that no image is made for"),
    };
    let table = (
        number(file, 32, 8),
        number(file, 54, 2),
        number(file, 56, 2),
    );
    let (Some(start), Some(size), Some(count)) = table else {
        return Err("its head is cut off");
    };
    for index in 0..count {
        let segment = start + index * size;
        if number(file, segment, 4) != Some(INTERPRETER) {
            continue;
        }
        let path = number(file, segment + 8, 8)
            .zip(number(file, segment + 32, 8))
            .and_then(|(from, length)| file.get(from..from.checked_add(length)?));
        let path = path.ok_or("it names a loader beyond its end")?;
        let path = String::from_utf8_lossy(path)
            .trim_end_matches('\0')
            .to_owned();
        return Ok(Program {
            architecture,
            interpreter: Some(path),
        });
    }
    Ok(Program {
        architecture,
        interpreter: None,
    })
}

/// The number in `width` bytes at `place`.
fn number(file: &[u8], place: usize, width: usize) -> Option<usize> {
    let bytes = file.get(place..place.checked_add(width)?)?;
    let number = bytes
        .iter()
        .rev()
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    usize::try_from(number).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
pub(super) mod tests {
    use super::{Architecture, Program, read};

    /// The head of a program for a processor, with one segment that names a loader or is of another kind.
    pub(in super::super) fn program(machine: u16, interpreter: Option<&str>) -> Vec<u8> {
        let path = format!("{}\0", interpreter.unwrap_or("none"));
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64] = if interpreter.is_some() { 3 } else { 1 };
        file[64 + 8] = 64 + 56;
        file[64 + 32] = path.len().try_into().unwrap();
        file.extend(path.bytes());
        file
    }

    #[test]
    fn processor_and_loader_are_read() {
        let of = |machine, loader| read(&program(machine, loader)).unwrap();
        assert_eq!(
            of(62, None),
            Program {
                architecture: Architecture::Amd64,
                interpreter: None
            }
        );
        assert_eq!(
            of(183, Some("/lib/ld.so")),
            Program {
                architecture: Architecture::Arm64,
                interpreter: Some("/lib/ld.so".to_owned())
            }
        );
    }

    #[test]
    fn the_program_of_this_test_is_read_as_the_linker_made_it() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let program = read(&own).unwrap();
        let dynamic = !cfg!(target_feature = "crt-static");
        assert_eq!(program.interpreter.is_some(), dynamic, "{program:?}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        assert!(read(b"").is_err());
        assert!(read(b"\x7fELF\x02\x01").is_err());
        assert!(read(&program(8, None)).is_err());
        let mut cut = program(62, Some("/lib/ld.so"));
        cut.truncate(64 + 56);
        assert!(read(&cut).is_err());
    }
}
