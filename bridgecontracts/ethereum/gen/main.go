// Command gen turns what forge compiled into the files that the Go packages carry: the bridge's artifact and bindings,
// and the artifacts of the tokens and recipients that tests and the demo deploy. `make generate` builds and runs it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi/abigen"
)

// compiled is the part of forge's output that counts.
type compiled struct {
	ABI      json.RawMessage `json:"abi"`
	Bytecode struct {
		Object string `json:"object"`
	} `json:"bytecode"`
	Deployed struct {
		Object     string `json:"object"`
		Immutables map[string][]struct {
			Start  int `json:"start"`
			Length int `json:"length"`
		} `json:"immutableReferences"`
	} `json:"deployedBytecode"`
}

// artifact is what is committed. Immutables lists where the runtime code holds a 32-byte value of the deployment.
type artifact struct {
	ABI        json.RawMessage `json:"abi"`
	Bytecode   string          `json:"bytecode"`
	Runtime    string          `json:"runtime,omitempty"`
	Immutables []int           `json:"immutables,omitempty"`
}

func main() {
	out := flag.String("forge", ".forge/out", "forge's output folder")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	c, err := load(out, "TrineBridge", "TrineBridge")
	if err != nil {
		return err
	}
	bridge := artifact{ABI: c.ABI, Bytecode: c.Bytecode.Object, Runtime: c.Deployed.Object}
	for _, references := range c.Deployed.Immutables {
		for _, r := range references {
			if r.Length != 32 {
				return fmt.Errorf("immutable at %d has %d bytes, want 32", r.Start, r.Length)
			}
			bridge.Immutables = append(bridge.Immutables, r.Start)
		}
	}
	slices.Sort(bridge.Immutables)
	if err := write("artifact.json", bridge); err != nil {
		return err
	}
	if err := writeZoo(out); err != nil {
		return err
	}
	code, err := abigen.BindV2([]string{"TrineBridge"}, []string{string(c.ABI)}, []string{""}, "bindings", nil, nil)
	if err != nil {
		return fmt.Errorf("bindings: %w", err)
	}
	return os.WriteFile(filepath.Join("internal", "bindings", "bindings.go"), []byte(code), 0o644)
}

// writeZoo collects every contract under test/zoo by its name.
func writeZoo(out string) error {
	sources, err := filepath.Glob("test/zoo/*.sol")
	if err != nil {
		return err
	}
	zoo := map[string]artifact{}
	for _, source := range sources {
		folder := filepath.Join(out, filepath.Base(source))
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		if err != nil {
			return err
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			c, err := load(out, strings.TrimSuffix(filepath.Base(source), ".sol"), name)
			if err != nil {
				return err
			}
			if c.Bytecode.Object != "0x" { // an interface or an abstract contract
				zoo[name] = artifact{ABI: c.ABI, Bytecode: c.Bytecode.Object}
			}
		}
	}
	if len(zoo) == 0 {
		return errors.New("no contract of test/zoo in " + out + ": run forge build first")
	}
	return write(filepath.Join("zoo", "artifacts.json"), zoo)
}

func load(out, source, name string) (*compiled, error) {
	data, err := os.ReadFile(filepath.Join(out, source+".sol", name+".json"))
	if err != nil {
		return nil, fmt.Errorf("%w (make generate compiles first)", err)
	}
	var c compiled
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("forge's %s: %w", name, err)
	}
	return &c, nil
}

func write(path string, value any) error {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}
