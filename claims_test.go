package aval_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	threatModel   = "docs/threat-model.md"
	claimsHeading = "## Claims, and what proves them"
)

// TestClaims finds, for each claim of the threat model, the tests that it names.
func TestClaims(t *testing.T) {
	claims, err := claimsOf(read(t, threatModel))
	if err != nil {
		t.Fatal(err)
	}
	if len(claims) < 20 {
		t.Errorf("found %d claims only", len(claims))
	}
	for claim, proofs := range claims {
		for _, proof := range proofs {
			if err := findProof(proof); err != nil {
				t.Errorf("%q: %v", claim, err)
			}
		}
	}
}

var quotedWord = regexp.MustCompile("`([^`]+)`")

// claimsOf reads the table: a claim, and the names of what proves it.
func claimsOf(document string) (map[string][]string, error) {
	_, table, found := strings.Cut(document, claimsHeading)
	if !found {
		return nil, fmt.Errorf("no heading %q", claimsHeading)
	}
	claims := map[string][]string{}
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "## ") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.Contains(cells[0], "---") || strings.TrimSpace(cells[0]) == "claim" {
			continue
		}
		claim := strings.TrimSpace(cells[0])
		for _, name := range quotedWord.FindAllStringSubmatch(strings.Join(cells[1:], "|"), -1) {
			claims[claim] = append(claims[claim], name[1])
		}
		if len(claims[claim]) == 0 {
			return nil, fmt.Errorf("nothing proves %q", claim)
		}
	}
	return claims, nil
}

// findProof looks a test or a script up.
func findProof(name string) error {
	if strings.HasSuffix(name, ".txtar") {
		_, err := os.Stat(name)
		return err
	}
	dot := strings.LastIndex(name, ".")
	if dot < 0 {
		return fmt.Errorf("%s: want folder.TestName or a script", name)
	}
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(name[:dot]), "*_test.go"))
	if err != nil {
		return err
	}
	declared := regexp.MustCompile(`(?m)^func ` + regexp.QuoteMeta(name[dot+1:]) + `\(\w+ \*testing\.[TF]\)`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if declared.Match(content) {
			return nil
		}
	}
	return fmt.Errorf("no test %s", name)
}

func TestClaimsAreFollowed(t *testing.T) {
	for name, found := range map[string]bool{
		"domain.TestPostingsTakeOnlyFromSenderOrOwnEscrow": true, "domain.TestNowhere": false, "nowhere.TestLaws": false,
		"TestLaws": false, "cmd/aval/testdata/init.txtar": true, "cmd/aval/testdata/nowhere.txtar": false, "domain.TestPostingsTakeOnly": false,
	} {
		if err := findProof(name); (err == nil) != found {
			t.Errorf("%s: %v", name, err)
		}
	}
	for document, want := range map[string]string{
		"no table": "no heading", claimsHeading + "\n| claim | proven by |\n|---|---|\n| a | words |\n": `nothing proves "a"`,
	} {
		if _, err := claimsOf(document); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", document, err)
		}
	}
}
