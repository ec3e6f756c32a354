//! Claims in an S3 bucket by conditional writes.
