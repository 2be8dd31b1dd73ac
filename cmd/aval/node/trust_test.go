package node

import (
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger/enclave"
)

// TestGovernedMeasurementsCount: what governance trusts now takes the place of the file's list.
func TestGovernedMeasurementsCount(t *testing.T) {
	a, b := strings.Repeat("aa", 32), strings.Repeat("bb", 32)
	file := enclave.Policy{Platforms: []string{enclave.SimulatedName}, AllowSimulated: true, Measurements: map[string][]string{enclave.SimulatedName: {a}}}
	of := func(value string, since, until domain.Millis) domain.Measurement {
		return domain.Measurement{Platform: enclave.SimulatedName, Value: value, Since: since, Until: until}
	}
	for name, c := range map[string]struct {
		governed []domain.Measurement
		want     string
	}{
		"none named":             {nil, a},
		"another":                {[]domain.Measurement{of(b, 10, 0)}, b},
		"two during a roll-over": {[]domain.Measurement{of(a, 10, 200), of(b, 20, 0)}, a + " " + b},
		"one that ended":         {[]domain.Measurement{of(a, 10, 100), of(b, 20, 0)}, b},
		"one to come":            {[]domain.Measurement{of(a, 101, 0), of(b, 20, 0)}, b},
		"all ended":              {[]domain.Measurement{of(a, 10, 100)}, "none"},
		"of another platform":    {[]domain.Measurement{{Platform: "sev-snp", Value: b, Since: 1}}, "none"},
	} {
		trust, err := governedTrust(file, c.governed, 100)
		got := strings.Join(trust.Measurements[enclave.SimulatedName], " ")
		if err != nil {
			got = "none"
		} else if err := trust.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
