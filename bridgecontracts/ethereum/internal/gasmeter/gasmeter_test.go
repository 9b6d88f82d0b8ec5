package gasmeter_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/trinebridge/trine/bridgecontracts/ethereum/internal/gasmeter"
)

// TestGasDoesNotGrow measures every figure again: none may be more than a percent above the committed one or above its target.
func TestGasDoesNotGrow(t *testing.T) {
	const committed = "../../../../bench/gas.json"
	data, err := os.ReadFile(committed)
	if err != nil {
		t.Fatalf("%v (make gas writes it)", err)
	}
	var old gasmeter.Report
	if err := json.Unmarshal(data, &old); err != nil {
		t.Fatalf("%s: %v", committed, err)
	}
	now, err := gasmeter.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if now.Fork != old.Fork {
		t.Fatalf("measured on %s, committed for %s: run make gas", now.Fork, old.Fork)
	}
	if len(now.EVM) != len(old.EVM) {
		t.Errorf("%d figures measured, %d committed: run make gas", len(now.EVM), len(old.EVM))
	}
	for name, gas := range now.EVM {
		before, ok := old.EVM[name]
		switch target := gasmeter.Targets[name]; {
		case !ok:
			t.Errorf("%s is not in %s: run make gas", name, committed)
		case gas*100 > before*101:
			t.Errorf("%s costs %d gas, %d before: more than a percent more", name, gas, before)
		case target != 0 && gas > target:
			t.Errorf("%s costs %d gas, the target is %d", name, gas, target)
		}
	}
}
