//! The store against a real minio.

use crate::contract::on_server;
use crate::servers::Server;

on_server!(Server::minio:
    a_claim_lives_and_is_gone,
    one_of_sixteen_creates,
    one_of_sixteen_replaces,
    one_of_sixteen_creates_over_a_tombstone,
    a_stale_update_loses,
    removed_by_hand_then_created,
    a_long_listing_is_whole,
    the_name_inside_counts,
    the_probe_finds_a_fit_server,
    wrong_keys_and_buckets_are_told_apart,
);
