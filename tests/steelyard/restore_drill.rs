//! The worst day, rehearsed: a server under load is backed up, its directory is
//! destroyed, and what is restored says of everybody what was said before, to
//! the bit. What was handed out in the lost time is refused by name. And the
//! lesser one: only the engine's files are gone, and the server rebuilds them by
//! itself.

use std::fs;
use std::path::Path;
use std::process::Output;

use steelyard::pb;
use tokio::sync::mpsc::unbounded_channel;

use crate::answers::Answers;
use crate::harness::{Client, Server, on_directory, reason, steelyard, told};
use crate::people::AS_OF;
use crate::torture::caller::{Caller, Halt};

/// Acknowledgements during each stretch of load.
const LOAD: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_restored_says_to_the_bit_what_was_said_before() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (home, backups) = (folder.path().join("home"), folder.path().join("backups"));
    let mut callers: Vec<Caller> = (0..4).map(|place| Caller::new(format!("C{place}"), place)).collect();
    let server = Server::with(&serving(&home, &backups));
    let mut client = server.client().await;

    // A full backup while callers write, and an incremental one after them.
    load(&server, &mut callers, LOAD, |server| backup(server, "--full")).await;
    load(&server, &mut callers, LOAD, |_| ()).await;
    settle(&mut callers, &mut client).await;
    backup(&server, "--incremental");
    let before = Answers::of(&mut client).await.expect("a sound server must answer");
    let kept = callers.clone();
    let token = second_page(&mut client).await;

    // Time that a restore to that revision loses: it is in a backup, and it is not asked for.
    load(&server, &mut callers, LOAD, |_| ()).await;
    settle(&mut callers, &mut client).await;
    backup(&server, "--incremental");
    let last = Answers::of(&mut client).await.expect("a sound server must answer");
    assert_ne!(last.context, before.context);
    server.kill();

    // Into an empty directory alone.
    let refused = restore(&backups, &home, &[]);
    assert!(!refused.status.success(), "a directory that holds a store must not be restored into");
    fs::remove_dir_all(&home).expect("the directory must be destroyed");

    let whole = folder.path().join("whole");
    succeeded(&restore(&backups, &whole, &[]));
    same_but_incarnation(&whole, &backups, &last, &mut callers).await;

    let revision = before.context.1.to_string();
    succeeded(&restore(&backups, &home, &["--revision", &revision]));
    let mut kept = kept;
    let server = same_but_incarnation(&home, &backups, &before, &mut kept).await;
    let mut client = server.client().await;
    let request =
        pb::ListStandingsRequest { list: pb::List::All.into(), page_size: 1, page_token: token, ..Default::default() };
    let refused = client.ranking.list_standings(request).await.expect_err("a token of the lost time must be refused");
    assert_eq!(reason(&refused).as_deref(), Some("STORE_RESTORED"), "{}", told(&refused));
    let request = pb::GetListSummaryRequest {
        list: pb::List::All.into(),
        min_revision: last.context.1,
        store: last.context.0,
        ..Default::default()
    };
    let refused = client.ranking.get_list_summary(request).await.expect_err("a lost revision must be refused");
    assert_eq!(reason(&refused).as_deref(), Some("STORE_RESTORED"), "{}", told(&refused));
    // Life goes on in the restored one.
    load(&server, &mut kept, LOAD, |_| ()).await;
    settle(&mut kept, &mut client).await;
    assert!(server.stop().await.success(), "a server asked to stop must end well");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_engine_files_are_gone_rebuilds_them_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (home, backups) = (folder.path().join("home"), folder.path().join("backups"));
    let mut callers: Vec<Caller> = (0..4).map(|place| Caller::new(format!("C{place}"), 10 + place)).collect();
    let server = Server::with(&serving(&home, &backups));
    let mut client = server.client().await;
    // Enough that segments were retired: then neither the backups nor the journal hold everything alone.
    for caller in &mut callers {
        caller.most_in_batch = 200;
    }
    load(&server, &mut callers, LOAD, |_| ()).await;
    load(&server, &mut callers, LOAD, |server| backup(server, "--full")).await;
    settle(&mut callers, &mut client).await;
    let before = Answers::of(&mut client).await.expect("a sound server must answer");
    server.kill();
    fs::remove_dir_all(home.join("sled")).expect("the engine's files must be destroyed");

    let mut arguments = serving(&home, &backups);
    arguments.extend(["--health-listen", "127.0.0.1:0"]);
    let server = Server::with(&arguments);
    let after = Answers::of(&mut server.client().await).await.expect("a rebuilt server must answer");
    if let Some(difference) = before.difference(&after) {
        panic!("{difference}");
    }
    let (status, ready) = server.http("/readyz");
    assert_eq!(status, 200, "{ready}");
    assert!(ready.contains("recovered"), "readiness must say what was repaired: {ready}");
    assert!(server.stop().await.success(), "a server asked to stop must end well");
    // Said once: the next start has nothing to repair.
    let server = Server::with(&arguments);
    let again = Answers::of(&mut server.client().await).await.expect("a rebuilt server must answer");
    assert_eq!(before.difference(&again), None);
}

fn serving<'a>(home: &'a Path, backups: &'a Path) -> Vec<&'a str> {
    let backups = backups.to_str().expect("a temporary path must be text");
    let mut arguments = on_directory(home, &["--as-of", AS_OF, "--store-cache-mb", "16", "--store-segment-mb", "1"]);
    arguments.extend(["--backup-directory", backups, "--backup-every-minutes", "0", "--store-ballast-mb", "1"]);
    arguments
}

/// Lets the callers work until so many acknowledgements came; `meanwhile` runs while they do.
async fn load(server: &Server, callers: &mut [Caller], acknowledgements: usize, meanwhile: impl FnOnce(&Server)) {
    let (tell, mut told) = unbounded_channel();
    let mut clients = Vec::new();
    for _ in callers.iter() {
        clients.push(server.client().await);
    }
    let working = callers.iter_mut().zip(&mut clients).map(|(caller, client)| caller.work(client, &tell));
    let working = futures(working.collect());
    tokio::pin!(working);
    let counting = async {
        for _ in 0..acknowledgements / 2 {
            told.recv().await;
        }
        tokio::task::block_in_place(|| meanwhile(server));
        for _ in 0..acknowledgements / 2 {
            told.recv().await;
        }
    };
    tokio::select! {
        halt = &mut working => panic!("a sound server must go on: {halt}"),
        () = counting => {}
    }
}

/// The first of these to end.
async fn futures(working: Vec<impl Future<Output = Halt>>) -> Halt {
    let mut working: Vec<_> = working.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        let ended = working.iter_mut().find_map(|caller| match caller.as_mut().poll(context) {
            std::task::Poll::Ready(halt) => Some(halt),
            std::task::Poll::Pending => None,
        });
        ended.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

async fn settle(callers: &mut [Caller], client: &mut Client) {
    for caller in callers {
        // The server lives and may still be at work on what was cut off: only an answer says that it has ended.
        if let Err(halt) = caller.ask_again(client).await {
            panic!("{}: {halt}", caller.name());
        }
        if let Err(fault) = caller.settle(client).await {
            panic!("{}: {fault}", caller.name());
        }
    }
}

fn backup(server: &Server, kind: &str) {
    succeeded(&steelyard().args(["backup", "--server", &server.url(), kind]).output().expect("must run"));
}

fn restore(backups: &Path, home: &Path, more: &[&str]) -> Output {
    let mut command = steelyard();
    command.arg("restore").arg("--from").arg(backups).arg("--data-dir").arg(home).args(more);
    command.output().expect("must run")
}

fn succeeded(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {told}", output.status.code());
}

/// Starts what was restored: everything as it was, under a new incarnation of the same store, and every answer that was
/// acknowledged is still given to the same request.
async fn same_but_incarnation(home: &Path, backups: &Path, due: &Answers, callers: &mut [Caller]) -> Server {
    let server = Server::with(&serving(home, backups));
    let mut client = server.client().await;
    let found = Answers::of(&mut client).await.expect("a restored server must answer");
    let part = |mark: &str, place: usize| mark.split('-').nth(place).map(str::to_owned);
    assert_eq!(part(&found.context.0, 0), part(&due.context.0, 0), "it must be the same store");
    assert_ne!(part(&found.context.0, 1), part(&due.context.0, 1), "it must be another incarnation");
    let found = Answers { context: (due.context.0.clone(), found.context.1), ..found };
    if let Some(difference) = due.difference(&found) {
        panic!("{difference}");
    }
    settle(callers, &mut client).await;
    server
}

async fn second_page(client: &mut Client) -> String {
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), page_size: 1, ..Default::default() };
    let page = client.ranking.list_standings(request).await.expect("a page must come").into_inner();
    assert!(!page.next_page_token.is_empty(), "there must be a second page");
    page.next_page_token
}
