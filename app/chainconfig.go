package app

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trinebridge/trine/internal/units"
)

func (c *ChainConfig) validate(role Role) error {
	if _, err := AdapterOf(c.ID); err != nil {
		return err
	}
	faults := c.validateEndpoints()
	fault := func(format string, args ...any) { faults = append(faults, c.fault(format, args...)) }
	if c.Quorum < 0 || c.Quorum > len(c.Endpoints) {
		fault("quorum is %d of %d endpoints; set from 1 to all of them, or leave it out for more than half", c.Quorum, len(c.Endpoints))
	}
	if c.Bridge != "" {
		if _, err := ParseAddress(c.ID, c.Bridge); err != nil {
			fault("bridge: %w", err)
		}
	}
	for _, d := range []struct {
		key   string
		value Duration
	}{{"poll", c.Poll}, {"timeout", c.Timeout}, {"resend", c.Resend}} {
		// TOML's numbers are taken for nanoseconds: poll = 2 is a mistake.
		if v := time.Duration(d.value); v != 0 && (v < shortest || v > longest) {
			fault("%s is %s, want from %s to %s, written as in \"2s\"", d.key, v, shortest, longest)
		}
	}
	return errors.Join(append(faults, c.validatePaying(role)...)...)
}

// shortest and longest bound every duration of a chain.
const (
	shortest = 10 * time.Millisecond
	longest  = 24 * time.Hour
)

func (c *ChainConfig) fault(format string, args ...any) error {
	return fmt.Errorf("chain %s: "+format, append([]any{c.ID}, args...)...)
}

// validateEndpoints checks the URLs. No fault quotes one: it may hold a provider's key.
func (c *ChainConfig) validateEndpoints() (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, c.fault(format, args...)) }
	if len(c.Endpoints) == 0 {
		fault("endpoints is empty; name at least one RPC URL, better three of different providers")
	}
	var seen []string
	for i, endpoint := range c.Endpoints {
		for _, name := range unsetVariables(endpoint) {
			fault("endpoint %d takes ${%s} from the environment, where it is not set", i+1, name)
		}
		if strings.Count(endpoint, "${") != len(braced.FindAllString(endpoint, -1)) {
			fault("endpoint %d has a ${ that begins no variable such as ${NAME}", i+1)
		}
		u, err := url.Parse(os.ExpandEnv(endpoint))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			fault("endpoint %d is not an http or https URL", i+1)
			continue
		}
		u.Host, u.Path = strings.ToLower(u.Host), strings.TrimRight(u.Path, "/")
		if slices.Contains(seen, u.String()) {
			fault("endpoint %d is the same as an earlier one, and would vote twice", i+1)
		}
		seen = append(seen, u.String())
	}
	return faults
}

// aURL is what may hold a provider's key.
var aURL = regexp.MustCompile(`(https?://)[^\s'"]+`)

// withoutURLs takes the URLs out of lines of a file.
func withoutURLs(lines string) string { return aURL.ReplaceAllString(lines, "$1…") }

// braced is a variable as the documentation writes it.
var braced = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// unsetVariables lists the environment's variables that text names and that are not set.
func unsetVariables(text string) (names []string) {
	os.Expand(text, func(name string) string {
		if _, set := os.LookupEnv(name); !set {
			names = append(names, name)
		}
		return ""
	})
	return names
}

// validatePaying checks what only a submitter needs.
func (c *ChainConfig) validatePaying(role Role) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, c.fault(format, args...)) }
	if role == RoleSubmitter && c.FeeKey == "" {
		fault("fee_key is not set; a submitter pays for its transactions")
	}
	u := unitsOf(c.ID)
	for _, x := range []struct {
		key, value string
		decimals   uint8
	}{
		{"fee_key", c.FeeKey, 0},
		{"max_fee_per_gas", c.MaxFeePerGas, u.PriceDecimals},
		{"max_tip", c.MaxTip, u.PriceDecimals},
		{"low_balance", c.LowBalance, u.CoinDecimals},
	} {
		if x.value == "" {
			continue
		}
		if role != RoleSubmitter {
			fault("%s is set, but %s sends nothing; remove it", x.key, role.WithArticle())
		} else if x.key != "fee_key" {
			if _, err := units.Parse(x.value, x.decimals); err != nil {
				fault("%s: %w", x.key, err)
			}
		}
	}
	if len(faults) > 0 || role != RoleSubmitter {
		return faults
	}
	if caps, err := feeCaps(&u, c); err != nil {
		faults = append(faults, err)
	} else if caps.MaxFeePerGas.IsZero() {
		fault("max_fee_per_gas is 0: nothing could be sent")
	} else if caps.MaxTip.Gt(&caps.MaxFeePerGas) {
		fault("max_tip, %s, is above max_fee_per_gas, %s: set both", orText(c.MaxTip, u.MaxTip), orText(c.MaxFeePerGas, u.MaxFeePerGas))
	}
	return faults
}

// quorum returns how many endpoints must agree.
func (c *ChainConfig) quorum() int {
	if c.Quorum > 0 {
		return c.Quorum
	}
	return len(c.Endpoints)/2 + 1
}
