package enclave

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPoliciesOfTheGuide parses every whole policy that the guide shows.
func TestPoliciesOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "attestation.md"))
	if err != nil {
		t.Fatal(err)
	}
	parsed := 0
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		if !strings.Contains(block[1], `"platforms"`) || strings.Contains(block[1], "...") { // shortened: roots and keys do not fit
			continue
		}
		parsed++
		if _, err := ParsePolicy([]byte(block[1])); err != nil {
			t.Errorf("%v in:\n%s", err, block[1])
		}
	}
	if parsed < 2 {
		t.Errorf("found %d policies", parsed)
	}
}

func TestPolicyRefused(t *testing.T) {
	measurement := strings.Repeat("ab", 48)
	for name, text := range map[string]string{
		"nothing":                "",
		"no platform":            `{"platforms":[]}`,
		"unknown platform":       `{"platforms":["sgx"],"measurements":{"sgx":["` + measurement + `"]}}`,
		"platform twice":         `{"platforms":["nitro","nitro"],"measurements":{"nitro":["` + measurement + `"]}}`,
		"unknown key":            `{"platforms":["nitro"],"measurements":{"nitro":["` + measurement + `"]},"allowDebug":true}`,
		"no measurement":         `{"platforms":["nitro"]}`,
		"empty measurements":     `{"platforms":["nitro"],"measurements":{"nitro":[]}}`,
		"upper case":             `{"platforms":["nitro"],"measurements":{"nitro":["` + strings.ToUpper(measurement) + `"]}}`,
		"short":                  `{"platforms":["nitro"],"measurements":{"nitro":["ab"]}}`,
		"measurement of another": `{"platforms":["nitro"],"measurements":{"nitro":["` + measurement + `"],"tdx":["` + measurement + `"]}}`,
		"no floor for SNP":       `{"platforms":["sev-snp"],"measurements":{"sev-snp":["` + measurement + `"]}}`,
		"no floor for TDX":       `{"platforms":["tdx"],"measurements":{"tdx":["` + measurement + `"]}}`,
		"floor for another":      `{"platforms":["nitro"],"measurements":{"nitro":["` + measurement + `"]},"tdx":{"minModule":1,"minEvaluation":1}}`,
		"simulated by accident":  `{"platforms":["simulated"]}`,
		"allowed and not listed": `{"platforms":["nitro"],"measurements":{"nitro":["` + measurement + `"]},"allowSimulated":true}`,
		"and a word":             `{"platforms":["simulated"],"allowSimulated":true} x`,
		"too long":               `{"platforms":["simulated"],"allowSimulated":true}` + strings.Repeat(" ", MaxPolicy),
	} {
		if _, err := ParsePolicy([]byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
