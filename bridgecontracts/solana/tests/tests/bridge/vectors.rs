//! The digests that all chains share, against the golden vectors. What the program computes is compared with the same
//! functions in every other test: it refuses a seal over another digest, and a head of another history is noticed.

use serde_json::Value;
use solana_address::Address;
use trine_bridge_tests::{
    events::Event,
    keys::{Group, Member, Set},
    requests::{batch_hash, call_hash, limit_hash, Pay},
    tokens::{Token, TOKEN},
    words::{action, control, cut, digest, hash, hex, keccak, number, tag, word, Word},
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../testdata/vectors.json")).expect("the golden vectors")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn count(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} in {value}"))
}

fn at(value: &Value, key: &str) -> Word {
    word(text(value, key))
}

fn address(value: &Value, key: &str) -> Address {
    Address::new_from_array(at(value, key))
}

/// A number in decimal, if it is one of 64 bits.
fn amount(value: &Value, key: &str) -> Option<u64> {
    match text(value, key) {
        hexadecimal if hexadecimal.starts_with("0x") => {
            let word = word(hexadecimal);
            (word[..24] == [0; 24]).then(|| u64::from_be_bytes(word[24..].try_into().unwrap()))
        }
        decimal => decimal.parse().ok(),
    }
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value[key].as_array().cloned().unwrap_or_default()
}

/// The vectors' set, with the keys of all its members.
fn set(vectors: &Value) -> Set {
    let member = |address: &str| {
        let key = list(vectors, "keys").into_iter().find(|key| text(key, "address") == address);
        Member::of(&at(&key.unwrap_or_else(|| panic!("no key of {address}")), "privateKey"))
    };
    let given = &vectors["set"];
    let group = |quorum: &str, members: &str| {
        let members = list(given, members).iter().map(|name| member(name.as_str().unwrap())).collect();
        Group::new(count(given, quorum) as u8, members)
    };
    Set {
        epoch: count(given, "epoch"),
        processor: member(text(given, "processor")),
        approvers: group("approverQuorum", "approvers"),
        listeners: group("listenerQuorum", "listeners"),
    }
}

fn domain(vectors: &Value) -> Word {
    let caip2 = keccak(&[text(vectors, "caip2").as_bytes()]);
    digest("domain", &[at(vectors, "genesis"), caip2, at(vectors, "bridge")])
}

#[test]
fn tags_domain_and_set() {
    let vectors = vectors();
    for (kind, expected) in vectors["tags"].as_object().expect("tags") {
        assert_eq!(tag(kind), word(expected.as_str().unwrap()), "{kind}");
    }
    assert_eq!(domain(&vectors), at(&vectors, "domain"));
    for key in list(&vectors, "keys") {
        assert_eq!(Member::of(&at(&key, "privateKey")).address.to_vec(), hex(text(&key, "address")));
    }
    assert_eq!(set(&vectors).hash(), at(&vectors["set"], "hash"));
}

#[test]
fn events_and_heads() {
    let vectors = vectors();
    let mut head = cut(domain(&vectors));
    let mut seen = 0;
    for given in list(&vectors, "events") {
        let (id, fields) = (count(&given, "id"), &given["fields"]);
        let event = match count(&given, "kind") {
            1 => amount(fields, "amount").map(|amount| Event::Deposited {
                wallet: address(fields, "wallet"),
                token: address(fields, "token"),
                amount,
                keys: hex(text(fields, "keys")),
            }),
            2 => amount(fields, "actionId").map(|id| Event::ActionExecuted {
                id,
                digest: at(fields, "digest"),
                failed: at(fields, "failed"),
            }),
            3 => amount(fields, "epoch").map(|epoch| Event::SetRotated { epoch, set_hash: at(fields, "setHash") }),
            4 => amount(fields, "sequence").map(|sequence| Event::Paused { sequence }),
            5 => amount(fields, "sequence").map(|sequence| Event::Unpaused { sequence }),
            6 => amount(fields, "sequence").map(|sequence| Event::LimitSet {
                sequence,
                token: address(fields, "token"),
                capacity: amount(fields, "capacity").unwrap(),
                window: amount(fields, "window").unwrap(),
            }),
            7 => amount(fields, "amount").map(|amount| Event::Claimed {
                token: address(fields, "token"),
                recipient: address(fields, "recipient"),
                amount,
            }),
            other => panic!("an event of kind {other}"),
        };
        // An amount that no Solana account can hold: the given hash stands for it.
        let hash_of = event.map_or(at(&given, "hash"), |event| event.hash(id));
        assert_eq!(hash_of, at(&given, "hash"), "{}", text(&given, "name"));
        head = cut(hash(&[head, hash_of]));
        assert_eq!(head, at(&given, "head"), "{}", text(&given, "name"));
        seen += 1;
    }
    assert!(seen >= 9, "every kind of event");
}

/// The signatures of the vectors come from Go; r ‖ s ‖ v becomes r ‖ vs.
fn compact(signature: &[u8]) -> [u8; 64] {
    let mut compact: [u8; 64] = signature[..64].try_into().unwrap();
    compact[32] |= signature[64] << 7;
    compact
}

#[test]
fn actions_and_their_signatures() {
    let vectors = vectors();
    let (domain, set) = (domain(&vectors), set(&vectors));
    let mut kinds = [0; 4];
    for given in list(&vectors, "actions") {
        let (name, kind) = (text(&given, "name"), count(&given, "kind") as u8);
        let body = match kind {
            1 => {
                let pays = list(&given, "transfers").iter().map(pay).collect::<Option<Vec<_>>>();
                pays.map_or(at(&given, "bodyHash"), |pays| batch_hash(&pays))
            }
            2 => {
                let call = &given["call"];
                call_hash(&address(call, "target"), &number(amount(call, "value").unwrap()), &hex(text(call, "data")))
            }
            _ => hash(&[]),
        };
        assert_eq!(body, at(&given, "bodyHash"), "{name}");
        let digest = action(domain, count(&given, "epoch"), count(&given, "id"), kind, body);
        assert_eq!(digest, at(&given, "digest"), "{name}");
        let signatures: Vec<_> = list(&given, "signatures").iter().map(|s| hex(s.as_str().unwrap())).collect();
        let members = std::iter::once(&set.processor).chain(&set.approvers.members).chain(&set.listeners.members);
        let made: Vec<_> = members.map(|member| member.sign(&digest)).collect();
        for signature in &signatures {
            assert!(made.contains(&compact(signature)), "{name}: a signature that no member makes here");
        }
        kinds[usize::from(kind)] += 1;
    }
    assert!(kinds[1..].iter().all(|seen| *seen > 0), "every kind of action: {kinds:?}");
}

/// A transfer of the vectors, if its amount is one of Solana's.
fn pay(given: &Value) -> Option<Pay> {
    let nobody = Address::default();
    let token = Token { mint: address(given, "token"), program: TOKEN, config: nobody, vault: nobody };
    Some(Pay::token(&token, address(given, "to"), amount(given, "amount")?))
}

#[test]
fn control_actions() {
    let vectors = vectors();
    let domain = domain(&vectors);
    let mut kinds = [0; 5];
    for given in list(&vectors, "controls") {
        let (kind, fields) = (count(&given, "kind") as u8, &given["fields"]);
        let body = match kind {
            1 => at(fields, "setHash"),
            4 => limit_hash(
                &address(fields, "token"),
                amount(fields, "capacity").unwrap(),
                amount(fields, "window").unwrap(),
            ),
            _ => hash(&[]),
        };
        assert_eq!(body, at(&given, "bodyHash"));
        let digest = control(domain, count(&given, "epoch"), kind, count(&given, "sequence"), body);
        assert_eq!(digest, at(&given, "digest"));
        kinds[usize::from(kind)] += 1;
    }
    assert!(kinds[1..].iter().all(|seen| *seen > 0), "every kind of control action: {kinds:?}");
}

#[test]
fn key_links() {
    let vectors = vectors();
    let link = &vectors["keyLink"];
    let key = keccak(&[&hex(text(link, "key"))]);
    assert_eq!(digest("key-link", &[domain(&vectors), at(link, "wallet"), key]), at(link, "digest"));
}
