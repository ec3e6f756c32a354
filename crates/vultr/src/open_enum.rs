//! Enums that the vendor may extend: a word that nobody here knows is kept, not refused.

/// Declares an enum of known words with an `Other` for the rest.
macro_rules! open_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
            /// A word that this client does not know.
            Other(String),
        }

        impl $name {
            /// The API's word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(<String as serde::Deserialize>::deserialize(deserializer)?))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use open_enum;

#[cfg(test)]
mod tests {
    use crate::ClusterStatus;

    #[test]
    fn known_and_unknown_words_survive_a_round_trip() {
        for (word, status) in [
            ("pending", ClusterStatus::Pending),
            ("active", ClusterStatus::Active),
            ("upgrading", ClusterStatus::Other("upgrading".into())),
        ] {
            let read: ClusterStatus = serde_json::from_value(word.into()).unwrap();
            assert_eq!(read, status);
            assert_eq!(serde_json::to_value(read).unwrap(), word);
        }
    }
}
