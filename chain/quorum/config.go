package quorum

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/trinebridge/trine/chain"
)

// Defaults for the fields of [Config] that are zero.
const (
	DefaultTimeout = 10 * time.Second
	DefaultHedge   = 300 * time.Millisecond
	DefaultPenalty = time.Minute
)

// Endpoint is one Source with a name that may stand in logs.
type Endpoint struct {
	Name   string
	Source chain.Source
}

// Config says which endpoints there are and how many must agree.
type Config struct {
	Endpoints []Endpoint
	// Quorum is how many must give the same answer, 1 … number of endpoints.
	Quorum int
	// Timeout bounds a call to one endpoint, [DefaultTimeout] if 0.
	Timeout time.Duration
	// Hedge is how long an answer may take before another endpoint is asked as well, [DefaultHedge] if 0.
	Hedge time.Duration
	// Penalty is how long an endpoint that failed is asked last, [DefaultPenalty] if 0.
	Penalty time.Duration
	// Observe, if set, is told of every call to an endpoint. It must be quick and safe for concurrent use.
	Observe func(Observation)
}

// Observation is one call to one endpoint.
type Observation struct {
	Endpoint string
	// Method is the name of the chain.Source method.
	Method string
	Took   time.Duration
	// Err is nil for an answer. chain.ErrAbsent and an error with verdict Rewind are answers too.
	Err error
}

// Validate reports every fault at once.
func (c *Config) Validate() error {
	var faults []error
	if len(c.Endpoints) == 0 {
		faults = append(faults, errors.New("quorum: no endpoints"))
	}
	if c.Quorum < 1 || c.Quorum > len(c.Endpoints) {
		faults = append(faults, fmt.Errorf("quorum: %d of %d endpoints must agree: choose 1 … %d", c.Quorum, len(c.Endpoints), len(c.Endpoints)))
	}
	seen := map[string]bool{}
	for i, e := range c.Endpoints {
		if e.Source == nil {
			faults = append(faults, fmt.Errorf("quorum: endpoint %d (%q) has no source", i, e.Name))
		}
		switch {
		case e.Name == "":
			faults = append(faults, fmt.Errorf("quorum: endpoint %d has no name", i))
		case seen[e.Name]:
			faults = append(faults, fmt.Errorf("quorum: two endpoints are named %q: one that is asked twice must not vote twice", e.Name))
		}
		seen[e.Name] = true
	}
	for name, d := range map[string]time.Duration{"Timeout": c.Timeout, "Hedge": c.Hedge, "Penalty": c.Penalty} {
		if d < 0 {
			faults = append(faults, fmt.Errorf("quorum: %s %v is negative", name, d))
		}
	}
	return errors.Join(faults...)
}

// Name returns what of an endpoint's URL may be shown: its scheme, host and port.
// Providers put keys into the user part, the path and the query; "/…" stands for a
// path or query that is left out. What is no URL is shown as "invalid URL".
func Name(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "invalid URL"
	}
	name := u.Scheme + "://" + u.Host
	if len(u.Path) > 1 || u.RawQuery != "" {
		name += "/…"
	}
	return name
}
