//! The schema at the start: several at once, edited files, newer databases.

use crate::harness::{Admin, admin::Start, cluster::Database};

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let database = Database::create().await;
    let starts = (0..4).map(|_| Start::on(&database.url()).up());
    let replicas = futures_util::future::join_all(starts).await;
    for replica in &replicas {
        replica.get("/api/v1/keys").await.expect(200);
    }
    let applied = database.number("SELECT count(*) FROM schema_migration").await;
    assert_eq!(applied, database.number("SELECT max(number)::bigint FROM schema_migration").await);
    // And one of them, only one, made the first account.
    assert_eq!(database.number("SELECT count(*) FROM app_user").await, 1);
}

#[tokio::test]
async fn a_second_start_changes_nothing() {
    let (admin, database) = Admin::start().await;
    drop(admin);
    let before = database.number("SELECT sum(xmin::text::bigint)::bigint FROM schema_migration").await;
    let admin = Start::on(&database.url()).up().await;
    admin.get("/api/v1/keys").await.expect(200);
    assert_eq!(database.number("SELECT sum(xmin::text::bigint)::bigint FROM schema_migration").await, before);
    assert!(!admin.log().contains("migration applied"));
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let (admin, database) = Admin::start().await;
    drop(admin);
    let edit = "UPDATE schema_migration SET checksum = 'edited' WHERE number = 2";
    database.connect().await.batch_execute(edit).await.unwrap();
    let (status, text) = Start::on(&database.url()).fails().await;
    assert!(!status.success());
    assert!(text.contains("0002_gateway") && text.contains("checksum edited"), "{text}");
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (admin, database) = Admin::start().await;
    drop(admin);
    let newer = "INSERT INTO schema_migration (number, name, checksum) VALUES (9999, 'from_the_future', 'x')";
    database.connect().await.batch_execute(newer).await.unwrap();
    let (status, text) = Start::on(&database.url()).fails().await;
    assert!(!status.success());
    assert!(text.contains("9999_from_the_future") && text.contains("newer version"), "{text}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let database = Database::create().await;
    // In the way of the third file's second half.
    database.connect().await.batch_execute("CREATE TABLE key_usage (x int)").await.unwrap();
    let (status, text) = Start::on(&database.url()).fails().await;
    assert!(!status.success());
    assert!(text.contains("0003_spend") && text.contains("rolled back"), "{text}");
    assert_eq!(database.number("SELECT max(number)::bigint FROM schema_migration").await, 2);
    assert_eq!(database.number("SELECT count(*) FROM pg_class WHERE relname = 'spend_event'").await, 0);
    database.connect().await.batch_execute("DROP TABLE key_usage").await.unwrap();
    Start::on(&database.url()).up().await.get("/api/v1/keys").await.expect(200);
}
