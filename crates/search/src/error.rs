//! What can go wrong between us and the engine. None of it concerns the environments themselves.

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The settings cannot be used.
    #[error("SLW-600: the search engine {address} cannot be used: {why}; correct the settings")]
    Settings {
        /// The engine.
        address: String,
        /// What is wrong.
        why: String,
    },
    /// No answer, or one that is the engine's own fault.
    #[error(
        "SLW-601: the search engine {address} did not answer to {action}: {why}; claims are taken and environments run all the same, the index catches up when it is back"
    )]
    Unavailable {
        /// The engine.
        address: String,
        /// What was tried.
        action: &'static str,
        /// What happened.
        why: String,
    },
    /// The engine does not let us in.
    #[error(
        "SLW-602: the search engine {address} refuses to {action}: {why}; check the name, password or API key, and its rights on environments-v1-*"
    )]
    Denied {
        /// The engine.
        address: String,
        /// What was tried.
        action: &'static str,
        /// The engine's words.
        why: String,
    },
    /// The index or one of its aliases is not there.
    #[error(
        "SLW-603: the search engine {address} has no index to {action}: {why}; rebuild the index"
    )]
    NoIndex {
        /// The engine.
        address: String,
        /// What was tried.
        action: &'static str,
        /// The engine's words.
        why: String,
    },
    /// The engine understood and does not want to.
    #[error("SLW-604: the search engine {address} could not {action}: {why}")]
    Refused {
        /// The engine.
        address: String,
        /// What was tried.
        action: &'static str,
        /// The engine's words.
        why: String,
    },
    /// An answer that is not what the engine's documentation says, or only a part of one.
    #[error(
        "SLW-605: the search engine {address} answered to {action} with something that cannot be used: {why}; nothing was concluded from it"
    )]
    Unusable {
        /// The engine.
        address: String,
        /// What was tried.
        action: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Somebody else rebuilds.
    #[error(
        "SLW-606: the index {index} was overtaken by another rebuild; nothing is lost, the other one goes on"
    )]
    Overtaken {
        /// The index of this rebuild.
        index: String,
    },
    /// The truth could not be read for a rebuild.
    #[error(
        "SLW-607: the index {index} waits for its rebuild, because the environments could not be read: {why}; what was found before is found until then, rebuild again"
    )]
    NoTruth {
        /// The new index.
        index: String,
        /// The reader's words.
        why: String,
    },
}

/// What is wrong with a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A field that no environment has.
    #[error("SLW-610: `{field}` is not a field to search{near}; there are: {fields}")]
    Field {
        /// The word.
        field: String,
        /// ` (did you mean …?)`, or nothing.
        near: String,
        /// The fields there are.
        fields: String,
    },
    /// A value that its field cannot have.
    #[error("SLW-611: `{value}` is no value of {field}: {why}")]
    Value {
        /// The field.
        field: &'static str,
        /// The value.
        value: String,
        /// What would be right.
        why: &'static str,
    },
    /// A quotation mark without its partner.
    #[error("SLW-612: the quotation that starts with `{start}` has no end; close it with \"")]
    Quotation {
        /// Where it starts.
        start: String,
    },
    /// More than anybody writes by hand.
    #[error("SLW-613: the question has {what}; ask for less at once")]
    TooLong {
        /// How long it is, and how long it may be.
        what: String,
    },
    /// A cursor that this list did not give out.
    #[error(
        "SLW-614: `{cursor}` is no place to go on from; take `next` of the page before, or start again without it"
    )]
    Cursor {
        /// The cursor.
        cursor: String,
    },
}
