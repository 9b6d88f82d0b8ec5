package ledger

import (
	"errors"
	"fmt"
)

// AuditExact is Audit, and that nothing is held which nobody is owed: what honest
// bridges report leaves neither a deficit nor a surplus.
func AuditExact(v View) error {
	if err := v.Audit(); err != nil {
		return err
	}
	a, err := v.audit()
	if err != nil {
		return err
	}
	var faults []error
	for i := range a.owed {
		if a.owed[i].Cmp(&a.held[i]) != 0 {
			faults = append(faults, fmt.Errorf("asset %d: held %s, owed %s", i+1, &a.held[i], &a.owed[i]))
		}
	}
	return errors.Join(faults...)
}
