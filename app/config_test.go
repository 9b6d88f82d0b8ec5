package app_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/app"
)

const peerA = "/ip4/127.0.0.1/tcp/7101/p2p/12D3KooWGRUfQmYk8tq5LrTbGyWQUuAAWkr6MwKJ9cLDF8TvUV8t"

// The smallest good file of each role.
const (
	approverFile = `role = "approver"
genesis = "genesis.json"
data_dir = "data"
key = "env:APPROVER"

[[chain]]
id = "eip155:1"
endpoints = ["https://a.example", "https://b.example", "https://c.example"]
`
	submitterFile = `role = "submitter"
genesis = "genesis.json"
data_dir = "data"

[[chain]]
id = "eip155:1"
endpoints = ["https://a.example"]
fee_key = "env:PAYER"
`
	nodeFile = `role = "node"
genesis = "genesis.json"
data_dir = "data"
`
)

// with returns a file with more top-level keys, and more tables at its end.
func with(file, keys, tables string) string { return keys + "\n" + file + "\n" + tables + "\n" }

// inChain replaces the endpoints of a file's only chain by other keys.
func inChain(file, keys string) string {
	head, _, _ := strings.Cut(file, "endpoints")
	return head + keys
}

func TestParseConfig(t *testing.T) {
	for name, file := range map[string]string{
		"approver":  approverFile,
		"submitter": submitterFile,
		"node":      nodeFile,
		"listener":  strings.Replace(approverFile, "approver", "listener", 1),
		"processor": "role = \"processor\"\ngenesis = \"g\"\ndata_dir = \"d\"\nkey = \"env:K\"",
		"everything": with(approverFile, `dry_run = true`, `bridge = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
quorum = 3
poll = "500ms"
timeout = "3s"
[log]
level = "debug"
format = "json"
[api]
listen = "[::1]:0"
[gossip]
listen = ["/ip4/0.0.0.0/tcp/9000"]
peers = ["`+peerA+`", "/dns4/node.example/tcp/9000/p2p/12D3KooWGRUfQmYk8tq5LrTbGyWQUuAAWkr6MwKJ9cLDF8TvUV8t"]
[[approver.limit]]
chain = "eip155:1"
asset = "USDC"
amount = "1000000.5"
window = "24h"`),
		"submitter's caps": submitterFile + "max_fee_per_gas = \"200.5\"\nmax_tip = \"0\"\nlow_balance = \"0.25\"\nresend = \"1m\"",
	} {
		if _, err := app.ParseConfig([]byte(file), "x.toml"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseConfigNamesEveryFault(t *testing.T) {
	t.Setenv("SAME", "https://a.example")
	for _, test := range []struct {
		name, file string
		// want are parts of the one error: the key, the value and the way out.
		want []string
	}{
		{"nothing", "", []string{`role is "", want one of processor, listener, approver, submitter, node`, "genesis is not set; name", "data_dir is not set; name"}},
		{"unknown role", strings.Replace(nodeFile, "node", "watcher", 1), []string{`role is "watcher", want one of`}},
		{"unknown key", with(nodeFile, "roel = 1", ""), []string{"unknown key", "roel"}},
		{"unknown key in a table", with(nodeFile, "", "[log]\nlevle = \"info\""), []string{"unknown key", "levle"}},
		{"two unknown keys", with(nodeFile, "roel = 1", "[log]\nlevle = \"info\""), []string{"roel", "levle"}},
		{"no TOML", "role = node", []string{"role = node"}},
		{"wrong type", with(nodeFile, "dry_run = \"yes\"", ""), []string{"dry_run = \"yes\"", "bool"}},
		{"wrong type of a list", inChain(approverFile, "endpoints = \"https://a.example\""), []string{"endpoints"}},
		{"key twice", with(nodeFile, `role = "node"`, ""), []string{"role"}},
		{"no duration", approverFile + "poll = \"often\"", []string{`duration "often": write it as in 90s`}},
		{"negative durations", approverFile + "poll = \"-2s\"\ntimeout = \"-1s\"", []string{"poll is -2s, want from 10ms to 24h0m0s", "timeout is -1s, want from"}},
		{"durations without a unit", approverFile + "poll = 2\ntimeout = 10", []string{`poll is 2ns, want from 10ms to 24h0m0s, written as in "2s"`, "timeout is 10ns, want"}},
		{"window without a unit", approverFile + "[[approver.limit]]\nchain = \"eip155:1\"\nasset = \"USDC\"\namount = \"1\"\nwindow = 24", []string{`window is 24ns, want at least 1s, as in "24h"`}},
		{"duration without an end", approverFile + "timeout = \"999999h\"", []string{"timeout is 999999h0m0s, want"}},
		{"dry processor", with(strings.Replace(strings.Split(approverFile, "[[chain]]")[0], "approver", "processor", 1), "dry_run = true", ""), []string{"dry_run is set, but a processor that signs no block does nothing"}},
		{"log", with(nodeFile, "", "[log]\nlevel = \"loud\"\nformat = \"xml\""), []string{`log.level is "loud", want debug, info, warn or error`, `log.format is "xml", want text or json`}},
		{"API for everybody", with(nodeFile, "", "[api]\nlisten = \"0.0.0.0:7001\""), []string{`api.listen "0.0.0.0:7001" is not on loopback`, "put a proxy in front"}},
		{"API on a name", with(nodeFile, "", "[api]\nlisten = \"node.example:7001\""), []string{`api.listen "node.example:7001" is not on loopback`}},
		{"API on all interfaces", with(nodeFile, "", "[api]\nlisten = \":7001\""), []string{`api.listen ":7001" is not on loopback`}},
		{"API without a port", with(nodeFile, "", "[api]\nlisten = \"127.0.0.1\""), []string{`api.listen "127.0.0.1"`, "missing port"}},
		{"API without a number", with(nodeFile, "", "[api]\nlisten = \"127.0.0.1:http\""), []string{`api.listen "127.0.0.1:http": the port is no number up to 65535`}},
		{"API with a large number", with(nodeFile, "", "[api]\nlisten = \"127.0.0.1:65536\""), []string{"the port is no number up to 65535"}},
		{"gossip address", with(nodeFile, "", "[gossip]\nlisten = [\"127.0.0.1:9000\"]\npeers = [\"/ip4/127.0.0.1/tcp/7101\", \"/ip4/127.0.0.1/udp/7101\"]"),
			[]string{`gossip.listen: "127.0.0.1:9000" is not a multiaddress such as /ip4/127.0.0.1/tcp/7101`, `gossip.peers: "/ip4/127.0.0.1/tcp/7101" does not end with /p2p/`, `"/ip4/127.0.0.1/udp/7101" is not an address of TCP`}},
		{"no key for a seat", strings.Replace(approverFile, "key =", "# key =", 1), []string{"key is not set; an approver signs with its seat's key, as in file:keys/approver.json"}},
		{"a key without a seat", with(nodeFile, `key = "env:K"`, ""), []string{"key is set, but a node signs nothing; remove it"}},
		{"unsafe flag of a node", with(nodeFile, `unsafe_allow_behind = true`, ""), []string{"unsafe_allow_behind is set, but a node makes no blocks; remove it"}},
		{"no chain", "role = \"submitter\"\ngenesis = \"g\"\ndata_dir = \"d\"", []string{"there is no [[chain]]; a submitter needs endpoints"}},
		{"chain twice", approverFile + "[[chain]]\nid = \"eip155:1\"\nendpoints = [\"https://a.example\"]", []string{"chain eip155:1 is listed twice"}},
		{"chain without an adapter", strings.Replace(approverFile, "eip155:1", "cosmos:hub", 1), []string{`chain "cosmos:hub": there is no adapter for namespace "cosmos"; there are: eip155`}},
		{"no endpoint", inChain(approverFile, "endpoints = []"), []string{"chain eip155:1: endpoints is empty; name at least one"}},
		{"endpoint that is no URL", inChain(approverFile, `endpoints = ["a.example", "ftp://b.example", "ws://c.example"]`), []string{"endpoint 1 is not an http or https URL", "endpoint 2 is not", "endpoint 3 is not"}},
		{"endpoint twice", inChain(approverFile, `endpoints = ["https://a.example", "https://a.example"]`), []string{"endpoint 2 is the same as an earlier one, and would vote twice"}},
		{"endpoint twice with a slash", inChain(approverFile, `endpoints = ["https://a.example", "https://A.example/"]`), []string{"endpoint 2 is the same as an earlier one"}},
		{"variable without an end", inChain(approverFile, `endpoints = ["https://a.example/${SAME"]`), []string{"endpoint 1 has a ${ that begins no variable such as ${NAME}"}},
		{"endpoint twice by its variable", inChain(approverFile, `endpoints = ["https://a.example", "${SAME}"]`), []string{"endpoint 2 is the same as an earlier one"}},
		{"variable that is not set", inChain(approverFile, `endpoints = ["https://a.example/${TRINE_TEST_UNSET}"]`), []string{"endpoint 1 takes ${TRINE_TEST_UNSET} from the environment, where it is not set"}},
		{"quorum above the endpoints", approverFile + "quorum = 4", []string{"chain eip155:1: quorum is 4 of 3 endpoints; set from 1 to all of them"}},
		{"negative quorum", approverFile + "quorum = -1", []string{"quorum is -1 of 3 endpoints"}},
		{"bridge", approverFile + "bridge = \"0x12\"", []string{"chain eip155:1: bridge:", "0x12"}},
		{"submitter that does not pay", strings.Replace(submitterFile, "fee_key", "# fee_key", 1), []string{"chain eip155:1: fee_key is not set; a submitter pays"}},
		{"approver that pays", approverFile + "fee_key = \"env:K\"\nmax_tip = \"1\"", []string{"fee_key is set, but an approver sends nothing; remove it", "max_tip is set, but an approver"}},
		{"submitter's caps", submitterFile + "max_fee_per_gas = \"lots\"\nmax_tip = \"1.0000000001\"\nlow_balance = \"-1\"\nresend = \"-1s\"",
			[]string{`max_fee_per_gas: amount "lots" is not a decimal number`, `max_tip: amount "1.0000000001" has 10 decimals, at most 9`, `low_balance: amount "-1"`, "resend is -1s"}},
		{"a cap of nothing", submitterFile + "max_fee_per_gas = \"0\"\nmax_tip = \"0\"", []string{"max_fee_per_gas is 0: nothing could be sent"}},
		{"a tip above the cap", submitterFile + "max_fee_per_gas = \"3\"", []string{"max_tip, 5, is above max_fee_per_gas, 3: set both"}},
		{"limits of an approver", approverFile + "[[approver.limit]]\nchain = \"eip155:2\"\nasset = \"USDC\"\namount = \"x\"",
			[]string{"approver.limit for USDC on eip155:2: window is 0s, want at least 1s", `amount "x" is not a decimal number`, "there is no [[chain]] with this id, so it would limit nothing"}},
		{"limits of a node", with(nodeFile, "", "[[approver.limit]]\nchain = \"eip155:1\"\nasset = \"USDC\"\namount = \"1\"\nwindow = \"1h\""), []string{"approver.limit is set, but a node approves nothing; remove it"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := app.ParseConfig([]byte(test.file), "x.toml")
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not say %q:\n%v", part, err)
				}
			}
		})
	}
}

// A provider's key stands in the URL; a fault must not carry it into a log.
func TestParseConfigKeepsEndpointsSecret(t *testing.T) {
	t.Setenv("PROVIDER", "hidden-key")
	_, err := app.ParseConfig([]byte(inChain(approverFile, `endpoints = ["node.example/${PROVIDER}", "://plain-key", "https://c.example/plain-key", "https://c.example/plain-key"]`)), "x.toml")
	if err == nil || strings.Contains(err.Error(), "hidden-key") || strings.Contains(err.Error(), "plain-key") {
		t.Fatalf("error is %v, want one without the keys", err)
	}
}

// Neither must the lines that are shown around a mistake elsewhere.
func TestParseConfigShowsNoEndpointNearby(t *testing.T) {
	for _, mistake := range []string{"qorum = 2", "quorum = \"two\"", "quorum = ", "poll = \"often\""} {
		_, err := app.ParseConfig([]byte(inChain(approverFile, `endpoints = ["https://user:plain-key@a.example/plain-key"]`+"\n"+mistake)), "x.toml")
		if err == nil || strings.Contains(err.Error(), "plain-key") || !strings.Contains(err.Error(), mistake) {
			t.Errorf("%s: error is %v, want one with the mistake and without the key", mistake, err)
		}
	}
}

func TestLoadConfigReadsNoEndlessFile(t *testing.T) {
	if _, err := app.LoadConfig("/dev/zero"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a configuration: %v", err)
	}
	if _, err := app.LoadGenesis("/dev/zero"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a genesis: %v", err)
	}
}

func TestLoadConfigNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.toml")
	if _, err := app.LoadConfig(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("error is %v, want one that names %s", err, path)
	}
}

func TestResolve(t *testing.T) {
	config, err := app.ParseConfig([]byte(nodeFile), "/etc/trine/node.toml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"genesis.json": "/etc/trine/genesis.json", "../data": "/etc/data", "/var/lib": "/var/lib"} {
		if got := config.Resolve(path); got != want {
			t.Errorf("Resolve(%q) is %q, want %q", path, got, want)
		}
	}
}

func TestDurationText(t *testing.T) {
	for _, want := range []time.Duration{0, time.Nanosecond, 90 * time.Second, -time.Hour} {
		text, err := app.Duration(want).MarshalText()
		var got app.Duration
		if err == nil {
			err = got.UnmarshalText(text)
		}
		if err != nil || time.Duration(got) != want {
			t.Errorf("%s is read back as %s, %v", want, time.Duration(got), err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{"", approverFile, submitterFile, nodeFile, "role = 1", "[[chain]]\nid=\"eip155:\"\nendpoints=[\"${A}\"]", "[gossip]\npeers=[\"/ip4\"]", "chain = [{}, {}]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := app.ParseConfig(data, "x.toml")
		if err == nil {
			err = config.Validate()
			if err != nil {
				t.Fatal(fmt.Errorf("accepted, and refused when looked at again: %w", err))
			}
		}
	})
}
