//! Where in a configuration a value stands.

use std::fmt;

/// One step of an [`AttributePath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// An attribute or block by name.
    Attribute(String),
    /// An element of a map by key.
    Key(String),
    /// An element of a list or tuple by index.
    Index(i64),
    /// Some element of a set. Sets have no addresses, so on the wire the path ends before this step.
    SetElement,
}

/// The place of a value, written like `pools["memory"].labels[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributePath(Vec<Step>);

impl AttributePath {
    /// The whole object.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Goes on to an attribute.
    #[must_use]
    pub fn attribute(&self, name: impl Into<String>) -> Self {
        self.join(Step::Attribute(name.into()))
    }

    /// Goes on to a map element.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        self.join(Step::Key(key.into()))
    }

    /// Goes on to a list element.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.join(Step::Index(i64::try_from(index).unwrap_or(i64::MAX)))
    }

    /// Goes on to some element of a set.
    #[must_use]
    pub fn set_element(&self) -> Self {
        self.join(Step::SetElement)
    }

    /// This path with one more step.
    #[must_use]
    pub fn join(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The steps from the root.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// True for the path of the whole object.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The name of the top-level attribute the path leads through.
    #[must_use]
    pub fn top(&self) -> Option<&str> {
        match self.0.first() {
            Some(Step::Attribute(name)) => Some(name),
            _ => None,
        }
    }
}

impl From<&str> for AttributePath {
    fn from(name: &str) -> Self {
        Self(vec![Step::Attribute(name.to_owned())])
    }
}

impl From<String> for AttributePath {
    fn from(name: String) -> Self {
        Self(vec![Step::Attribute(name)])
    }
}

impl From<&AttributePath> for AttributePath {
    fn from(path: &AttributePath) -> Self {
        path.clone()
    }
}

impl FromIterator<Step> for AttributePath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(the whole object)");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::SetElement => f.write_str("[...]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_terraform_writes_it() {
        let path = AttributePath::from("pools")
            .key("mem\"ory")
            .attribute("labels")
            .index(0);
        assert_eq!(path.to_string(), r#"pools["mem\"ory"].labels[0]"#);
        assert_eq!(path.top(), Some("pools"));
        assert_eq!(AttributePath::root().to_string(), "(the whole object)");
    }
}
