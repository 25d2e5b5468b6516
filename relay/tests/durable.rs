//! What PostgreSQL was told about durability by others does not hold for a relay: an acknowledgement follows a commit that waited
//! for the disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::postgres::Cluster;
use common::{Client, Program};

/// Notes what holds in the session that writes.
const WATCH: &str = "
CREATE TABLE seen (what text, setting text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO seen VALUES (TG_ARGV[0], current_setting('synchronous_commit'));
  RETURN NULL;
END $$;
CREATE TRIGGER see_submitted AFTER INSERT ON queue FOR EACH ROW EXECUTE FUNCTION see('submitted');
CREATE TRIGGER see_taken AFTER DELETE ON queue FOR EACH ROW EXECUTE FUNCTION see('taken');
";
const SEEN: &str =
    "SELECT string_agg(DISTINCT what || ' ' || setting, ', ' ORDER BY what || ' ' || setting) FROM seen";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_durability_gets_it_and_a_stricter_one_keeps_it() {
    let server = Cluster::start();
    let url = server.database("durable");
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start_on(Some(&url), folder.path());
    let (ann, bob) = program.ann_and_bob().await;
    program.kill();
    server.ask("durable", WATCH);
    for (set, holds) in [
        ("off", "on"),
        ("local", "on"),
        ("on", "on"),
        ("remote_write", "remote_write"),
        ("remote_apply", "remote_apply"),
    ] {
        server.ask(
            "durable",
            &format!("ALTER ROLE chopar SET synchronous_commit = {set}"),
        );
        let shown = server.ask("durable", "SHOW synchronous_commit");
        assert_eq!(shown, set, "the role says so to everybody else");
        server.ask("durable", "TRUNCATE seen");
        let program = Program::start_on(Some(&url), folder.path());
        let mut b = Client::signed_in(program.port, &bob, 0).await;
        let mut a = Client::signed_in(program.port, &ann, 0).await;
        a.submit(&bob, b"x").await;
        let seq = b.delivery().await.seq;
        b.ack(&[seq]).await;
        assert_eq!(
            server.ask("durable", SEEN),
            format!("submitted {holds}, taken {holds}"),
            "where the role says {set}"
        );
        program.kill();
    }
}
