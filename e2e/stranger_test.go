//go:build e2e

package e2e

import (
	"context"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/trinebridge/trine/app"
	bridgecontract "github.com/trinebridge/trine/bridgecontracts/ethereum"
	"github.com/trinebridge/trine/devnet"
)

// TestStrangers lets people who hold no seat do what they like to every daemon of a
// running network, by gossip, by requests, by bare connections and by HTTP, while a user
// deposits and withdraws. Nothing stops, nothing false is believed, and what was done
// stands in the logs with the name of who did it.
func TestStrangers(t *testing.T) {
	ctx := testContext(t)
	n := startNetwork(t, ctx, devnet.Config{Chains: []devnet.ChainConfig{{Endpoint: startAnvil(t, 31337).URL()}}})
	s := &siege{t: t, ctx: ctx, n: n, x: n.Chains[0], user: newUser(t, ctx, n, "Vera")}
	s.creditAndPay("10", true)
	before := s.processes()

	// All at once, each intruder under a name of its own.
	var attacks []*attack
	for _, deed := range []struct {
		name string
		do   func(context.Context, *intruder) error
		// logged is what every daemon logs of the intruder, if anything.
		logged string
	}{
		{"noise on every topic", noise, "invalid message"},
		{"messages that are too large", oversized, "oversized message"},
		{"more than a peer may send", flood, "over its rate"},
		{"records of the right form that nobody authorised", forged(n), "invalid message"},
		{"requests that lie about their length", lyingRequests, "invalid request"},
		{"streams that say nothing or noise", idleStreams, ""},
	} {
		a := &attack{name: deed.name, by: newIntruder(t, ctx, n), logged: deed.logged, done: make(chan error, 1)}
		attacks = append(attacks, a)
		go func() { a.done <- deed.do(ctx, a.by) }()
	}
	s.creditAndPay("5", false)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { s.named(t, a) })
	}
	t.Run("bare connections", func(t *testing.T) { s.bareConnections(t) })
	t.Run("HTTP", func(t *testing.T) { s.http(t) })

	s.creditAndPay("20", false)
	for name, now := range s.processes() {
		if now.started != before[name].started {
			t.Errorf("%s was started again", name)
		}
		if now.memory > 1<<30 {
			t.Errorf("%s holds %.0f MiB", name, now.memory/(1<<20))
		}
	}
	for _, p := range n.Daemons {
		if text := logOf(t, p); strings.Contains(text, "panic") || strings.Contains(text, "goroutine ") {
			t.Errorf("%s panicked", p.Name)
		}
	}
	wantHistory(t, ctx, n, s.x, n.Daemons)
}

// siege is a network that strangers are at.
type siege struct {
	t    *testing.T
	ctx  context.Context
	n    *devnet.Network
	x    *devnet.External
	user *devnet.User
	// held is what the user must own on the app chain, in whole dollars.
	held int
}

// creditAndPay deposits dollars and withdraws 2 of them.
func (s *siege) creditAndPay(dollars string, link bool) {
	s.t.Helper()
	amount, err := strconv.Atoi(dollars)
	if err != nil {
		s.t.Fatal(err)
	}
	s.held += amount
	deposit(s.t, s.ctx, s.user, s.x, "USDC", dollars, link)
	awaitBalance(s.t, s.ctx, s.n, s.user, s.x, "USDC", strconv.Itoa(s.held))
	sequence, err := s.user.Withdraw(s.ctx, s.x, "USDC", "2", bridgecontract.Word(common.BytesToAddress([]byte("whom strangers envy"))))
	if err != nil {
		s.t.Fatal(err)
	}
	s.held -= 2
	until(s.t, s.ctx, "the withdrawal is paid", paidWithin, func() (bool, error) {
		w, err := client(s.t, s.n.Daemon(app.RoleListener)).Withdrawal(s.ctx, s.x.ID, sequence)
		return w.Status == "paid", err
	})
}

// attack is what an intruder does.
type attack struct {
	name   string
	by     *intruder
	logged string
	done   chan error
}

// named waits until an attack is over and every daemon has logged it under the intruder's name.
func (s *siege) named(t *testing.T, a *attack) {
	if err := <-a.done; err != nil {
		t.Error(err)
	}
	if a.logged == "" {
		return
	}
	line := regexp.MustCompile(`msg="misbehaving peer".*peer=` + a.by.name() + `.*deed="` + a.logged + `"`)
	for _, p := range s.n.Daemons {
		until(t, s.ctx, p.Name+" has said who did it", time.Minute, func() (bool, error) { return line.MatchString(logOf(t, p)), nil })
	}
}

func logOf(t *testing.T, p *devnet.Process) string {
	t.Helper()
	text, err := os.ReadFile(p.Log())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// process is what a daemon's metrics say of its process.
type process struct{ started, memory float64 }

func (s *siege) processes() map[string]process {
	s.t.Helper()
	out := map[string]process{}
	for _, p := range s.n.Daemons {
		response, err := http.Get(p.API + "/metrics")
		if err != nil {
			s.t.Fatalf("%s: %v", p.Name, err)
		}
		text, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		value := func(name string) float64 {
			found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
			if found == nil {
				s.t.Fatalf("%s has no metric %s", p.Name, name)
			}
			v, err := strconv.ParseFloat(string(found[1]), 64)
			if err != nil {
				s.t.Fatal(err)
			}
			return v
		}
		out[p.Name] = process{value("process_start_time_seconds"), value("process_resident_memory_bytes")}
	}
	return out
}
