//! The services of an environment by name.

use crate::service::Service;
use std::collections::BTreeMap;
use std::iter::Map;
use std::slice::Iter;

/// Services by name, in the order of their names. They take no more room than they need: a claim has a few, and a
/// platform tens of thousands of claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services(Box<[(String, Service)]>);

impl Services {
    /// Each name with what the claim says of it.
    #[must_use]
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Each name.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(name, _)| name)
    }
}

impl<'a> IntoIterator for &'a Services {
    type Item = (&'a String, &'a Service);
    type IntoIter = Map<Iter<'a, (String, Service)>, fn(&'a (String, Service)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, service)| (name, service))
    }
}

impl From<BTreeMap<String, Service>> for Services {
    fn from(by_name: BTreeMap<String, Service>) -> Self {
        Self(by_name.into_iter().collect())
    }
}

impl FromIterator<(String, Service)> for Services {
    /// Of two with one name the later one counts.
    fn from_iter<All: IntoIterator<Item = (String, Service)>>(all: All) -> Self {
        all.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constraint::Constraint;

    #[test]
    fn services_stand_by_name_and_take_no_room_beside_themselves() {
        let any = || Service::Constraint(Constraint::Any);
        let one = |name: &str| (name.to_owned(), any());
        let services: Services = [one("b"), one("a"), one("b")].into_iter().collect();
        assert_eq!(services.keys().collect::<Vec<_>>(), ["a", "b"]);
        // A hundred thousand claims of three services take 24 MB, beside their texts.
        assert_eq!(size_of::<(String, Service)>(), 80);
    }
}
