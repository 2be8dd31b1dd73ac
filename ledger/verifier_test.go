package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aval/domain/canon"
	"aval/domain/envelope"
	"aval/ledger"
)

// nodeVerifier runs docs/verifier/verify.mjs, which shares nothing with this program.
type nodeVerifier struct{ dir, policy string }

type nodeVerdict struct {
	OK     bool                       `json:"ok"`
	Error  string                     `json:"error"`
	Ledger string                     `json:"ledger"`
	Index  uint64                     `json:"index"`
	Viewer string                     `json:"viewer"`
	Fields map[string]json.RawMessage `json:"fields"`
	Hidden int                        `json:"hidden"`
	// Private is the value that a disclosure gave.
	Private map[string]string `json:"private"`
}

func newNodeVerifier(t *testing.T, policy []byte) nodeVerifier {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("Node.js is not installed")
		}
		t.Skip("Node.js is not installed")
	}
	v := nodeVerifier{dir: t.TempDir()}
	v.policy = filepath.Join(v.dir, "policy.txt")
	if err := os.WriteFile(v.policy, policy, 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

// check gives the verdict on a receipt; the exit code must be that of the verdict.
func (v nodeVerifier) check(t *testing.T, receipt []byte, disclosures ...[]byte) nodeVerdict {
	t.Helper()
	path := filepath.Join(v.dir, "receipt.tlog-proof")
	if err := os.WriteFile(path, receipt, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"../docs/verifier/verify.mjs", v.policy, path}
	for _, d := range disclosures {
		args = append(args, filepath.Join(v.dir, "disclosure"))
		if err := os.WriteFile(args[3], d, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("node", args...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatal(err)
	}
	var verdict nodeVerdict
	if err := json.Unmarshal(out, &verdict); err != nil || verdict.OK != (exit == nil) || verdict.OK == (verdict.Error != "") {
		t.Fatalf("%s, %v, exit %v", out, err, exit)
	}
	return verdict
}

// The verifier in another language takes the same receipts, whole and in part, and reads the same in them.
func TestNodeVerifierAgrees(t *testing.T) {
	n, _, receipts := transferred(t)
	node := newNodeVerifier(t, n.World.Keys.Policy())
	part, err := ledger.Disclose([]byte(receipts["acme"]), []string{"events/0/name", "postings/0"})
	if err != nil {
		t.Fatal(err)
	}
	for name, receipt := range map[string][]byte{"acme": []byte(receipts["acme"]), "": []byte(receipts["auditor"]), "part": part} {
		d, err := ledger.OpenReceipt(n.Policy(), receipt)
		if err != nil {
			t.Fatal(err)
		}
		got := node.check(t, receipt)
		if !got.OK || got.Index != d.Index || got.Viewer != string(d.Viewer) || got.Hidden != d.Hidden || len(got.Fields) != len(d.Fields) {
			t.Errorf("%s: %+v, want %+v", name, got, d)
		}
		for _, f := range d.Fields {
			want, err := canon.ToJSON(f.Value)
			if err != nil || !sameJSON(t, got.Fields[f.Path], want) {
				t.Errorf("%s: %s is %s, want %s, %v", name, f.Path, got.Fields[f.Path], want, err)
			}
		}
	}
}

// It takes a private value for the receipt that shows its digest, and for no other.
func TestNodeVerifierOpensPrivateValues(t *testing.T) {
	p := newPrivately(t)
	node := newNodeVerifier(t, p.World.Keys.Policy())
	raw := p.issue(about("rosa", privateCanary))
	_, disclosures, err := envelope.Split(raw)
	if err != nil {
		t.Fatal(err)
	}
	receipt := []byte(p.MustSubmit(raw).Receipt)
	want := map[string]string{"subject": "rosa", "name": "passenger", "value": `"` + privateCanary + `"`}
	if got := node.check(t, receipt, disclosures[0]); !got.OK || !maps.Equal(got.Private, want) {
		t.Errorf("%+v", got)
	}
	without, err := ledger.Disclose(receipt, []string{"command"})
	if err != nil {
		t.Fatal(err)
	}
	if got := node.check(t, without, disclosures[0]); got.OK {
		t.Errorf("a receipt that hides the digest: %+v", got)
	}
	if got := node.check(t, receipt, append(disclosures[0], 'A')); got.OK {
		t.Errorf("another value: %+v", got)
	}
}

// sameJSON compares values and not the order of members.
func sameJSON(t *testing.T, a, b json.RawMessage) bool {
	t.Helper()
	var texts [2]string
	for i, data := range []json.RawMessage{a, b} {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return false
		}
		text, err := json.Marshal(v)
		if err != nil {
			return false
		}
		texts[i] = string(text)
	}
	return texts[0] == texts[1]
}

// What this program refuses, the other one refuses. A byte in each part of the file is changed.
func TestNodeVerifierRefuses(t *testing.T) {
	n, _, receipts := transferred(t)
	node := newNodeVerifier(t, n.World.Keys.Policy())
	part, err := ledger.Disclose([]byte(receipts["acme"]), []string{"events/0/name"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, foreign := transferred(t)
	tampered := map[string][]byte{
		"another ledger's": []byte(foreign["acme"]), "empty": nil, "line ends": bytes.ReplaceAll(part, []byte("\n"), []byte("\r\n")), "line too many": append(bytes.Clone(part), '\n'),
	}
	change := func(name string, change func(fields []any, extra map[string]any)) {
		tampered[name] = []byte(withExtra(t, string(part), func(extra map[string]any) { change(extra["fields"].([]any), extra) }))
	}
	change("hidden one shown as another", func(f []any, _ map[string]any) { f[1] = f[0] })
	change("hidden hashes exchanged", func(f []any, _ map[string]any) { f[1], f[2] = f[2], f[1] })
	change("header hidden", func(f []any, _ map[string]any) { f[0] = f[1] })
	change("one left out", func(f []any, extra map[string]any) { extra["fields"] = f[:len(f)-1] })
	change("count", func(_ []any, extra map[string]any) { extra["count"] = 4 })
	change("place", func(_ []any, extra map[string]any) { extra["n"] = 0 })
	change("unknown member", func(_ []any, extra map[string]any) { extra["more"] = 1 })
	change("no fields", func(_ []any, extra map[string]any) { extra["fields"] = nil })
	for i := 3; i < len(part); i += len(part) / 30 {
		changed := bytes.Clone(part)
		changed[i] ^= 1
		tampered["byte "+string(part[i:min(i+8, len(part))])] = changed
	}
	for name, receipt := range tampered {
		if _, err := ledger.OpenReceipt(n.Policy(), receipt); err == nil {
			t.Errorf("%s: accepted here", name)
		}
		if got := node.check(t, receipt); got.OK {
			t.Errorf("%s: accepted by Node.js: %+v", name, got)
		}
	}
}

// Both ask for the same cosignatures.
func TestNodeVerifierAsksWitnesses(t *testing.T) {
	n, _, receipts := transferred(t)
	cosigned, witnesses := cosignedByFirst(t, n, receipts["acme"])
	for group, want := range map[string]bool{"any": true, "1": true, "2": false, "all": false} {
		text := []byte(witnesses + "group g " + group + " w0 w1\nquorum g\n")
		node := newNodeVerifier(t, text)
		if got := node.check(t, []byte(cosigned)); got.OK != want {
			t.Errorf("%s of two witnesses, one signed: %+v", group, got)
		}
		if got := node.check(t, []byte(receipts["acme"])); got.OK {
			t.Errorf("%s of two witnesses, none signed: %+v", group, got)
		}
	}
	node := newNodeVerifier(t, []byte(witnesses+"quorum w0\n"))
	lines := strings.SplitAfter(cosigned, "\n")
	last := []byte(lines[len(lines)-2])
	last[len(last)-20] ^= 2
	if got := node.check(t, []byte(strings.Join(lines[:len(lines)-2], "")+string(last))); got.OK {
		t.Errorf("an altered cosignature: %+v", got)
	}
	for name, text := range map[string]string{
		"no quorum line": witnesses, "quorum of nobody": witnesses + "quorum w9\n", "two logs": witnesses + witnesses + "quorum none\n", "unknown keyword": witnesses + "quorum none\nmore\n",
		"threshold of nought": witnesses + "group g 0 w0\nquorum g\n", "a witness twice in groups": witnesses + "group g any w0\ngroup h any w0\nquorum g\n",
	} {
		if _, err := ledger.ParsePolicy([]byte(text)); err == nil {
			t.Errorf("%s: taken here", name)
		}
		if got := newNodeVerifier(t, []byte(text)).check(t, []byte(cosigned)); got.OK || !strings.Contains(got.Error, "policy") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
