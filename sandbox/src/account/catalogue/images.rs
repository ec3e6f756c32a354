//! Operating systems. Ids as the live API gave them in 2025-26; clients should look them up by name.

/// An operating system that a host can start from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Image {
    pub(crate) id: u32,
    pub(crate) name: &'static str,
    pub(crate) arch: &'static str,
    pub(crate) family: &'static str,
}

const IMAGES: [Image; 9] = [
    Image {
        id: 159,
        name: "Custom",
        arch: "x64",
        family: "iso",
    },
    Image {
        id: 164,
        name: "Snapshot",
        arch: "x64",
        family: "snapshot",
    },
    Image {
        id: 180,
        name: "Backup",
        arch: "x64",
        family: "backup",
    },
    Image {
        id: 186,
        name: "Application",
        arch: "x64",
        family: "application",
    },
    Image {
        id: 1743,
        name: "Ubuntu 22.04 LTS x64",
        arch: "x64",
        family: "ubuntu",
    },
    Image {
        id: 1869,
        name: "Rocky Linux 9 x64",
        arch: "x64",
        family: "rockylinux",
    },
    Image {
        id: 2136,
        name: "Debian 12 x64 (bookworm)",
        arch: "x64",
        family: "debian",
    },
    Image {
        id: 2284,
        name: "Ubuntu 24.04 LTS x64",
        arch: "x64",
        family: "ubuntu",
    },
    Image {
        id: 2514,
        name: "Windows Core 2025 Standard x64",
        arch: "x64",
        family: "windows",
    },
];

/// All images.
pub(crate) fn images() -> &'static [Image] {
    &IMAGES
}

/// The image of this id.
pub(crate) fn image(id: u64) -> Option<&'static Image> {
    IMAGES.iter().find(|image| u64::from(image.id) == id)
}
