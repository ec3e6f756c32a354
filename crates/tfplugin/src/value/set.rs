//! Elements of a set.

use super::Value;

/// The elements of a set: order has no meaning, and of equal known elements one is kept. Elements that are not wholly
/// known are all kept, since nobody can tell yet whether they are equal.
#[derive(Clone, Debug, Default)]
pub struct Set(Vec<Value>);

impl Set {
    /// The elements, in no particular order.
    pub fn iter(&self) -> std::slice::Iter<'_, Value> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True if this element is in it.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        self.0.contains(value)
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        if self.0.len() != other.0.len() {
            return false;
        }
        let mut unmatched: Vec<&Value> = other.0.iter().collect();
        self.0.iter().all(|value| {
            let found = unmatched.iter().position(|candidate| *candidate == value);
            found
                .map(|position| unmatched.swap_remove(position))
                .is_some()
        })
    }
}

impl FromIterator<Value> for Set {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut elements: Vec<Value> = Vec::new();
        for value in values {
            if !value.is_wholly_known() || !elements.contains(&value) {
                elements.push(value);
            }
        }
        Self(elements)
    }
}

impl IntoIterator for Set {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Set {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> Set {
        texts
            .iter()
            .map(|t| Value::String((*t).to_owned()))
            .collect()
    }

    #[test]
    fn c43_order_has_no_meaning_and_duplicates_collapse() {
        assert_eq!(set(&["a", "b"]), set(&["b", "a", "b"]));
        assert_ne!(set(&["a", "b"]), set(&["a", "c"]));
        let unknowns: Set = [Value::unknown(), Value::unknown()].into_iter().collect();
        assert_eq!(unknowns.len(), 2);
    }
}
