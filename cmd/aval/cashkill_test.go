package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"aval/contracts/cash"
	"aval/domain"
)

// TestExportIsKilled kills an export at any moment, again and again. Each redemption is instructed once, in one message,
// whose file comes out the same however often it is written.
func TestExportIsKilled(t *testing.T) {
	t.Parallel()
	random := moments(t)
	h := newHouse(t)
	node := h.start(t)
	h.must(t, trader(0), domain.CashKind, "bank", "payTo", map[string]any{"currency": "EUR", "account": cash.Account{Other: "7", Name: "Trader"}})
	h.must(t, "bank", domain.CashKind, "bank", "approvePayTo", map[string]any{"party": trader(0), "currency": "EUR", "number": 1})
	key, err := h.keys["bank"].Format()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	keyFile, outbox := filepath.Join(dir, "bank.jwk"), filepath.Join(dir, "outbox")
	if err := os.WriteFile(keyFile, key, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(outbox, 0o700); err != nil {
		t.Fatal(err)
	}
	export := func() *exec.Cmd {
		return exec.Command("aval", "cash", "export", "--json", "--node", h.api, "--key", keyFile, "--debtor-name", "Bank", "--debtor-account", "1", "--limit", "2", "--out", outbox)
	}
	written := map[string]string{}
	for round := range *kills {
		h.must(t, trader(0), domain.CashKind, "bank", "redeem", map[string]any{"id": fmt.Sprint("r-", round), "amount": domain.Money{Minor: 5, Currency: "EUR"}, "reference": ""})
		doomed := export()
		if err := doomed.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond) // the moment of the kill
		_ = doomed.Process.Kill()
		_ = doomed.Wait()
		keepFiles(t, outbox, written)
	}
	out, err := export().Output()
	if err != nil {
		t.Fatalf("export: %v: %s", err, out)
	}
	keepFiles(t, outbox, written)
	h.checkMessages(t, outbox, *kills)
	if err := node.stop(); err != nil {
		t.Error(err)
	}
	h.verify(t)
}

// keepFiles notes the messages written so far. One that was there before must be the same.
func keepFiles(t *testing.T, outbox string, written map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(outbox, "AV*.xml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if was, known := written[file]; known && was != string(text) {
			t.Errorf("%s has other bytes than before", file)
		}
		written[file] = string(text)
	}
}

// checkMessages wants each redemption in one message, in its first attempt, and the file of the message as it was booked.
func (h *house) checkMessages(t *testing.T, outbox string, count int) {
	t.Helper()
	bank := h.client(t, h.keys["bank"])
	var seen []string
	for n := range count {
		var r struct {
			Fields cash.Redemption `json:"fields"`
		}
		var i struct {
			Fields cash.Instruction `json:"fields"`
		}
		h.look(t, bank.Get, fmt.Sprint("redemption:r-", n), &r)
		if r.Fields.Status != cash.Instructed || r.Fields.Attempt != 1 {
			t.Fatalf("r-%d is %s in attempt %d", n, r.Fields.Status, r.Fields.Attempt)
		}
		h.look(t, bank.Get, "instruction:"+r.Fields.Payment.Message, &i)
		for _, p := range i.Fields.Payments {
			if p.ID == r.Fields.ID {
				seen = append(seen, p.ID)
			}
		}
		text, err := os.ReadFile(filepath.Join(outbox, r.Fields.Payment.Message+".xml"))
		if err != nil || cash.MessageHash(text) != i.Fields.Hash {
			t.Errorf("message %s is not in the outbox as it was booked: %v", r.Fields.Payment.Message, err)
		}
	}
	if slices.Sort(seen); len(slices.Compact(seen)) != count || len(seen) != count {
		t.Errorf("%v are in messages, want each of %d once", seen, count)
	}
}

// look reads a record of cash/1.
func (h *house) look(t *testing.T, get func(context.Context, string) ([]byte, error), key string, v any) {
	t.Helper()
	text, err := get(t.Context(), "/v1/contracts/cash:1:"+key)
	if err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}
