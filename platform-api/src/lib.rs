//! Environment claims over REST: identity by OIDC, rights by Cedar, truth in the claim store.

#![forbid(unsafe_code)]
