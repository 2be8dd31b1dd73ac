package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// TestSimulatedShows follows the word over everything that leaves a node on the simulated platform:
// log lines, answers and heads. Receipts, and what a verifier is told: testdata/verify.txtar.
func TestSimulatedShows(t *testing.T) {
	h := newHouse(t)
	h.configure(t, map[string]any{"ledger": origin, "listen": "127.0.0.1:0"})
	n := h.start(t)
	for _, path := range []string{"/healthz", "/readyz", "/openapi.json", "/log/checkpoint", "/v1/contracts", "/nothing"} {
		response, err := http.Get(h.api + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if got := response.Header.Get("Aval-Platform"); got != "simulated" {
			t.Errorf("%s: platform %q", path, got)
		}
	}
	if head := fetch(t, h.api+"/log/checkpoint", ""); !bytes.Contains(head, []byte("\nplatform simulated\n\n")) {
		t.Errorf("head:\n%s", head)
	}
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(n.stderr.String()) {
		if !strings.Contains(line, "platform=simulated") {
			t.Errorf("log line: %s", line)
		}
	}
	if len(n.stderr.String()) == 0 {
		t.Error("no log")
	}
}
