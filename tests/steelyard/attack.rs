//! Attacks on a real server over real sockets: while each goes on, those who may
//! call are served at their rate, and when it is over the server holds no more
//! than before. `STEELYARD_ATTACK_SECONDS` says how long each lasts.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use prost::Message;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use steelyard::pb;
use tonic::Code;
use tonic::transport::Channel;

use crate::client::reason;
use crate::harness::{Server, within};
use crate::issuer::Issuer;
use crate::people::{AS_OF, Somebody};
use crate::raw::{Means, call};

const LIST: &str = "/steelyard.v1.RankingService/ListStandings";
/// Calls a second that those who may call make together.
const RATE: u32 = 100;
/// Callers who make them.
const CALLERS: u32 = 4;
/// Part of their rate that they keep under attack.
const KEPT: f64 = 0.8;
/// What the server may hold more after an attack than before, bytes.
const GROWN: u64 = 200 << 20;
/// Connections of the flood of idle ones.
const IDLE: usize = 10_000;

/// Descriptors that this process needs for everything else.
const SPARE: usize = 256;

/// Has this process open as many files as the machine allows it; how many.
fn descriptors() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the hard limit is allowed");
    maximum.unwrap_or(u64::MAX)
}

struct Attacked {
    server: Server,
    _issuer: Issuer,
    address: String,
    channel: Channel,
    token: String,
    seconds: f64,
}

impl Attacked {
    async fn new() -> Self {
        let issuer = Issuer::new();
        let mut arguments: Vec<String> = ["--memory", "--as-of", AS_OF].map(str::to_owned).to_vec();
        arguments.extend(issuer.arguments());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let server = Server::with(&arguments);
        let token = issuer.token("desk", &["reader", "evidence_writer"], &["*"]);
        let channel = Channel::from_shared(server.url()).expect("a URI").connect().await.expect("must be served");
        let records = (0..50).flat_map(|number| Somebody::man(&format!("S-{number}"), "1990-01-01").records());
        let request = pb::WriteEvidenceRequest {
            request_id: crate::client::new_id(),
            records: records.collect(),
            ..Default::default()
        };
        let means = Means { token: Some(token.clone()), ..Means::default() };
        call(&channel, "/steelyard.v1.EvidenceService/WriteEvidence", request.encode_to_vec(), &means)
            .await
            .expect("records must be taken");
        let address = server.url().trim_start_matches("http://").to_owned();
        let stated = std::env::var("STEELYARD_ATTACK_SECONDS").ok().and_then(|text| text.parse().ok());
        Self { server, _issuer: issuer, address, channel, token, seconds: stated.unwrap_or(2.0) }
    }

    /// Calls answered of those that were due while something goes on, at most `RATE` a second.
    async fn served(&self) -> f64 {
        let answered = Arc::new(AtomicU64::new(0));
        let until = Instant::now() + Duration::from_secs_f64(self.seconds);
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..CALLERS {
            let (channel, answered, token) = (self.channel.clone(), Arc::clone(&answered), self.token.clone());
            callers.spawn(async move {
                let request = pb::ListStandingsRequest { list: pb::List::All.into(), ..Default::default() };
                let (message, means) = (request.encode_to_vec(), Means { token: Some(token), ..Means::default() });
                let mut due = tokio::time::interval(Duration::from_secs(1) * CALLERS / RATE);
                due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
                while Instant::now() < until {
                    due.tick().await;
                    let answer = call(&channel, LIST, message.clone(), &means).await;
                    answer.expect("whoever may call is answered");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while let Some(caller) = callers.join_next().await {
            caller.expect("callers must not panic");
        }
        answered.load(Ordering::Relaxed) as f64 / self.seconds
    }

    /// Bytes that the server has in memory.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).expect("it must run");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("memory is told");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
    }

    fn sockets(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.server.id())).expect("it must run").count()
    }

    /// Serves while an attack goes on, and holds no more when it is over.
    async fn stands(&self, name: &str, attack: impl FnOnce(String, Arc<AtomicBool>) -> Vec<JoinHandle<u64>>) {
        let before = self.served().await;
        let (held, sockets) = (self.resident(), self.sockets());
        let over = Arc::new(AtomicBool::new(false));
        let attackers = attack(self.address.clone(), Arc::clone(&over));
        let during = self.served().await;
        over.store(true, Ordering::Relaxed);
        let blows: u64 = attackers.into_iter().map(|it| it.join().expect("attackers must not panic")).sum();
        let left = within(Duration::from_secs(30), || (self.sockets() <= sockets + 8).then_some(()));
        let grown = self.resident().saturating_sub(held);
        println!("{name}: {during:.0} of {before:.0} calls/s, {blows} blows, {} MB grown", grown >> 20);
        assert!(blows > 0, "{name} must have happened");
        assert!(during >= KEPT * before, "{name}: {during:.0} of {before:.0} calls/s");
        assert!(left.is_some(), "{name} leaves {} sockets of {sockets}", self.sockets());
        assert!(grown < GROWN, "{name} leaves {} MB", grown >> 20);
    }
}

/// The first bytes of HTTP/2: the preface and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A block of headers without compression: name and value, literal.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0x00];
    for text in [name, value] {
        let length = u8::try_from(text.len()).expect("a short text");
        assert!(length < 127, "one byte of length");
        block.push(length);
        block.extend(text.as_bytes());
    }
    block
}

fn request_headers() -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", LIST),
        (":authority", "attacked"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.extend(literal(name, value));
    }
    block
}

fn connected(address: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_write_timeout(Some(Duration::from_millis(500))).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(1))).ok()?;
    Some(stream)
}

/// Strikes again and again until it is over, on some threads; the number of blows.
fn striking(
    threads: usize,
    over: &Arc<AtomicBool>,
    strike: impl Fn() -> u64 + Clone + Send + 'static,
) -> Vec<JoinHandle<u64>> {
    (0..threads)
        .map(|_| {
            let (over, strike) = (Arc::clone(over), strike.clone());
            std::thread::spawn(move || {
                let mut blows = 0;
                while !over.load(Ordering::Relaxed) {
                    blows += strike();
                    // The machine is small: whoever attacks must not be what slows the callers down.
                    std::thread::park_timeout(Duration::from_millis(2));
                }
                blows
            })
        })
        .collect()
}

/// Whatever the other side says is taken and thrown away; whether it still listens.
fn drained(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 4096];
    !matches!(stream.read(&mut bytes), Ok(0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one attack after another")]
async fn whoever_may_call_is_served_while_others_attack() {
    let attacked = Attacked::new().await;
    attacked
        .stands("slow connections", |address, over| {
            striking(1, &over, move || {
                let mut streams: Vec<TcpStream> = (0..300).filter_map(|_| connected(&address)).collect();
                for byte in PREFACE.iter().take(12) {
                    streams.retain_mut(|stream| stream.write_all(&[*byte]).is_ok());
                    std::thread::park_timeout(Duration::from_millis(20));
                }
                streams.len() as u64 + 1
            })
        })
        .await;
    attacked
        .stands("idle connections", |address, over| {
            let most = descriptors();
            let mut streams = Vec::new();
            // Each says hello and nothing more, and is held open here until the end; those beyond the server's bound it
            // closes at once on its side.
            while streams.len() < IDLE {
                let Some(mut stream) = connected(&address) else { break };
                drop(stream.write_all(PREFACE));
                streams.push(stream);
            }
            println!("idle connections: {} of {IDLE} held at once", streams.len());
            let room = usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(SPARE);
            assert!(streams.len() >= IDLE.min(room), "{} held, with {most} descriptors", streams.len());
            let streams = Arc::new(streams);
            striking(1, &over, move || streams.len() as u64)
        })
        .await;
    attacked
        .stands("oversized frames", |address, over| {
            striking(1, &over, move || {
                let Some(mut stream) = connected(&address) else { return 1 };
                let mut bytes = PREFACE.to_vec();
                bytes.extend(frame(1, 4, 1, &request_headers()));
                // A frame that claims 16 MB, and a message that claims 4 GB.
                bytes.extend([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
                bytes.extend([0; 8_192]);
                drop(stream.write_all(&bytes));
                let mut bytes = PREFACE.to_vec();
                bytes.extend(frame(1, 4, 1, &request_headers()));
                bytes.extend(frame(0, 0, 1, &[0, 0xff, 0xff, 0xff, 0xff]));
                if let Some(mut stream) = connected(&address) {
                    drop(stream.write_all(&bytes));
                    drained(&mut stream);
                }
                2
            })
        })
        .await;
    attacked
        .stands("header floods", |address, over| {
            striking(1, &over, move || {
                let Some(mut stream) = connected(&address) else { return 1 };
                let mut bytes = PREFACE.to_vec();
                // Headers that never end: one block of many continuations.
                bytes.extend(frame(1, 0, 1, &request_headers()));
                drop(stream.write_all(&bytes));
                let filler: Vec<u8> =
                    (0..80).flat_map(|n| literal(&format!("x-flood-{n}"), &"y".repeat(100))).collect();
                let mut blows = 1;
                for _ in 0..50 {
                    if stream.write_all(&frame(9, 0, 1, &filler)).is_err() || !drained(&mut stream) {
                        break;
                    }
                    blows += 1;
                }
                blows
            })
        })
        .await;
    attacked
        .stands("streams opened and reset", |address, over| {
            striking(1, &over, move || {
                let Some(mut stream) = connected(&address) else { return 1 };
                let mut blows = 0;
                let mut bytes = PREFACE.to_vec();
                for number in 0..200_u32 {
                    bytes.extend(frame(1, 4, 2 * number + 1, &request_headers()));
                    bytes.extend(frame(3, 0, 2 * number + 1, &[0, 0, 0, 8]));
                    blows += 1;
                }
                drop(stream.write_all(&bytes));
                drained(&mut stream);
                blows
            })
        })
        .await;
    let (channel, runtime) = (attacked.channel.clone(), tokio::runtime::Handle::current());
    let thief = Issuer::new();
    attacked
        .stands("bad tokens", |_, over| {
            let forged = thief.token("desk", &["reader"], &["*"]);
            let number = Arc::new(AtomicU64::new(0));
            striking(2, &over, move || {
                let (channel, number) = (channel.clone(), number.fetch_add(1, Ordering::Relaxed));
                // Each another one, so that none is remembered.
                let token = format!("{forged}{number}");
                let means = Means { token: Some(token), ..Means::default() };
                let refused = runtime.block_on(call(&channel, LIST, Vec::new(), &means)).expect_err("is no token");
                assert!([Code::Unauthenticated, Code::ResourceExhausted].contains(&refused.code()), "{refused:?}");
                1
            })
        })
        .await;
    attacked.server.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_more_than_one_may_is_told_when_to_come_back() {
    let issuer = Issuer::new();
    let mut arguments: Vec<String> =
        ["--memory", "--as-of", AS_OF, "--limits-calls-per-second", "10", "--limits-streams-per-identity", "1"]
            .map(str::to_owned)
            .to_vec();
    arguments.extend(issuer.arguments());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = Server::with(&arguments);
    let channel = Channel::from_shared(server.url()).expect("a URI").connect().await.expect("must be served");
    let means = |actor: &str| Means { token: Some(issuer.token(actor, &["reader"], &["*"])), ..Means::default() };
    let list = pb::ListStandingsRequest { list: pb::List::All.into(), ..Default::default() }.encode_to_vec();
    let mut refused = None;
    for _ in 0..60 {
        if let Err(status) = call(&channel, LIST, list.clone(), &means("hasty")).await {
            refused = Some(status);
            break;
        }
    }
    let refused = refused.expect("sixty calls at once are more than twenty");
    assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::ResourceExhausted, Some("RATE_LIMITED")));
    let wait = tonic_types::StatusExt::get_details_retry_info(&refused).and_then(|retry| retry.retry_delay);
    assert!(wait.is_some_and(|wait| wait <= Duration::from_secs(1)), "{wait:?}");
    assert!(call(&channel, LIST, list.clone(), &means("patient")).await.is_ok(), "others are not held back");
    // A second stream of one who may have one.
    let watch = pb::WatchStandingsRequest { list: pb::List::All.into(), ..Default::default() };
    let path = "/steelyard.v1.RankingService/WatchStandings";
    let mut first = steelyard::pb::ranking_service_client::RankingServiceClient::with_interceptor(channel.clone(), {
        let token = issuer.token("watcher", &["reader"], &["*"]);
        move |mut request: tonic::Request<()>| {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("ASCII"));
            Ok(request)
        }
    });
    let mut held = first.watch_standings(watch.clone()).await.expect("the first stream").into_inner();
    held.message().await.expect("a first message");
    let status = call(&channel, path, watch.encode_to_vec(), &means("watcher")).await.expect_err("the second stream");
    assert_eq!((status.code(), reason(&status).as_deref()), (Code::ResourceExhausted, Some("TOO_MANY_CALLS")));
    drop(held);
    let freed = within(Duration::from_secs(20), || {
        let again = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(call(&channel, path, watch.encode_to_vec(), &means("watcher")))
        });
        again.is_ok().then_some(())
    });
    assert!(freed.is_some(), "a stream that ended gives its place back");
    // A deadline that cannot be kept is told as one.
    let mut request = tonic::Request::new(pb::GetOutstandingReturnRequest::default());
    request.set_timeout(Duration::from_nanos(1));
    server.kill();
}
