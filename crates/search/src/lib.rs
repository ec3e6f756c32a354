//! Environments in Elasticsearch or OpenSearch: an index that can be lost and rebuilt.

#![forbid(unsafe_code)]
