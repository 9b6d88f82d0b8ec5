//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trinebridge/trine/app"
	"github.com/trinebridge/trine/devnet"
)

// bareConnections brings noise to every port of every daemon, and holds connections on
// which nothing is said.
func (s *siege) bareConnections(t *testing.T) {
	for _, p := range s.n.Daemons {
		for _, address := range ports(t, p) {
			for _, noise := range []string{
				"", "\x00", "GET / HTTP/1.1\r\n\r\n", "/multistream/1.0.0\n", "\x13/multistream/1.0.0\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
				"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", string(random(4 << 10)), strings.Repeat("A", 1<<20),
			} {
				connection, err := net.DialTimeout("tcp", address, 10*time.Second)
				if err != nil {
					t.Fatalf("%s: %v", p.Name, err)
				}
				_ = connection.SetDeadline(time.Now().Add(5 * time.Second))
				_, _ = io.WriteString(connection, noise) // the daemon may have hung up
				_ = connection.Close()
			}
			for range 100 {
				connection, err := net.DialTimeout("tcp", address, 10*time.Second)
				if err != nil {
					t.Fatalf("%s: %v", p.Name, err)
				}
				t.Cleanup(func() { _ = connection.Close() })
			}
		}
	}
	here := *s
	here.t = t
	here.creditAndPay("5", false)
	s.held = here.held
}

// ports returns where a daemon listens, as host and port.
func ports(t *testing.T, p *devnet.Process) []string {
	t.Helper()
	config, err := app.LoadConfig(p.Config)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{config.API.Listen}
	for _, a := range config.Gossip.Listen {
		parts := strings.Split(a, "/") // /ip4/127.0.0.1/tcp/7101
		out = append(out, net.JoinHostPort(parts[2], parts[4]))
	}
	return out
}

// http asks every daemon's API for what nobody may have, in every wrong way.
func (s *siege) http(t *testing.T) {
	long, deep := strings.Repeat("9", 10<<10), strings.Repeat(`{"tx":`, 10<<10)
	order := fmt.Sprintf(`{"chain":%q,"bridge":"0x0000000000000000000000000000000000000001","asset":"USDC","capacity":"1","window":60,"maxFeePerGas":"1","maxTip":"1"}`, s.x.ID)
	requests := []struct {
		method, path, body string
		// allowed are the status codes that a sane daemon answers with, by role.
		allowed []int
	}{
		{"POST", "/v1/transactions", "", []int{400}},
		{"POST", "/v1/transactions", "{", []int{400}},
		{"POST", "/v1/transactions", deep, []int{400, 422}},
		{"POST", "/v1/transactions", `{"tx":"0x` + strings.Repeat("ff", 1<<10) + `"}`, []int{400}},
		{"POST", "/v1/transactions", `{"tx":"` + strings.Repeat("f", 8<<20) + `"}`, []int{413}},
		{"PUT", "/v1/transactions", `{"tx":"0x"}`, []int{405}},
		{"DELETE", "/v1/bridges", "", []int{405}},
		{"POST", "/v1/operator/attach", order, []int{401, 501}},
		{"POST", "/v1/operator/pause", order, []int{401, 501}},
		{"POST", "/v1/operator/unpause", order, []int{401, 501}},
		{"POST", "/v1/operator/limit", order, []int{401, 501}},
		{"POST", "/v1/operator/caps", order, []int{401, 501}},
		{"GET", "/v1/operator/attach", "", []int{405, 501}},
		{"GET", "/v1/accounts/" + long, "", []int{400, 431}},
		{"GET", "/v1/accounts/18446744073709551616", "", []int{400}},
		{"GET", "/v1/accounts/..%2f..%2fetc%2fpasswd", "", []int{400}},
		{"GET", "/v1/accounts/%00", "", []int{400}},
		{"GET", "/v1/transactions/0x12", "", []int{400}},
		{"GET", "/v1/blocks/0", "", []int{422}},
		{"GET", "/v1/blocks/-1", "", []int{422}},
		{"GET", "/v1/blocks/18446744073709551615", "", []int{404}},
		{"GET", "/v1/bridges/eip155:0", "", []int{404}},
		{"GET", "/v1/bridges/" + s.x.ID + "/actions/18446744073709551615", "", []int{404}},
		{"GET", "/v1/bridges/" + s.x.ID + "/withdrawals/18446744073709551615", "", []int{404}},
		{"GET", "/debug/pprof/", "", []int{404}},
		{"GET", "/../../etc/passwd", "", []int{307, 404}}, // to the same place, written properly,
		{"BREW", "/v1/status", "", []int{405}},
	}
	for _, p := range s.n.Daemons {
		for _, r := range requests {
			request, err := http.NewRequestWithContext(s.ctx, r.method, p.API+r.path, strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Authorization", "Bearer "+strings.Repeat("0", 64))
			response, err := http.DefaultTransport.RoundTrip(request)
			if err != nil {
				// A body that is refused before it is read may end the connection.
				if len(r.body) < 1<<20 {
					t.Errorf("%s %.60s at %s: %v", r.method, r.path, p.Name, err)
				}
				continue
			}
			text, _ := io.ReadAll(response.Body) // what came is enough
			_ = response.Body.Close()
			if !slices.Contains(r.allowed, response.StatusCode) {
				t.Errorf("%s %.60s at %s is %d, want one of %v: %.200s", r.method, r.path, p.Name, response.StatusCode, r.allowed, text)
			}
		}
	}
}
