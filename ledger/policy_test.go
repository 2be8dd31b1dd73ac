package ledger_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/log"
	formatsnote "github.com/transparency-dev/formats/note"
	formats "github.com/transparency-dev/formats/witness"
	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"aval/ledger"
)

// cosigner is a witness written from the text of tlog-cosignature alone.
type cosigner struct {
	name string
	key  ed25519.PrivateKey
}

func newCosigner(name string) cosigner {
	seed := sha256.Sum256([]byte(name))
	return cosigner{name, ed25519.NewKeyFromSeed(seed[:])}
}

func (c cosigner) typed(kind byte) []byte {
	return append([]byte{kind}, c.key.Public().(ed25519.PublicKey)...)
}

func (c cosigner) id() []byte {
	sum := sha256.Sum256(append([]byte(c.name+"\n"), c.typed(4)...))
	return sum[:4]
}

func (c cosigner) vkey() string {
	return fmt.Sprintf("%s+%x+%s", c.name, c.id(), base64.StdEncoding.EncodeToString(c.typed(4)))
}

// line cosigns the body of a note at a time.
func (c cosigner) line(body string, at uint64) string {
	signature := ed25519.Sign(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, body))
	data := append(binary.BigEndian.AppendUint64(c.id(), at), signature...)
	return "— " + c.name + " " + base64.StdEncoding.EncodeToString(data) + "\n"
}

// head is a checkpoint of a log made for a test.
type head struct {
	vkey, body, signed string
}

func newHead(t testing.TB, origin string, size uint64) head {
	t.Helper()
	secret, vkey, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := string(log.Checkpoint{Origin: origin, Size: size, Hash: make([]byte, 32)}.Marshal())
	signed, err := note.Sign(&note.Note{Text: body}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return head{vkey, body, string(signed)}
}

const (
	firstTime = 1_767_225_600
	lastTime  = 1<<63 - 1
)

// four are witnesses of policies: "witness w0 ...", with and without URLs.
func four(t testing.TB) (lines string, all []cosigner) {
	for i := range 4 {
		c := newCosigner(fmt.Sprintf("witness.test/%d", i))
		all = append(all, c)
		lines += fmt.Sprintf("witness w%d %s", i, c.vkey())
		if i%2 == 0 {
			lines += fmt.Sprintf(" https://witness.test/%d", i)
		}
		lines += "\n"
	}
	return lines, all
}

func TestPolicyOfWitnessesTable(t *testing.T) {
	h := newHead(t, "log.test/main", 7)
	lines, all := four(t)
	same := newCosigner("witness.test/0")
	same.name = "witness.test/other"
	plain := fmt.Sprintf("w+%08x+%s", 0, base64.StdEncoding.EncodeToString(all[0].typed(1)))
	wrong := strings.Replace(all[0].vkey(), fmt.Sprintf("+%x+", all[0].id()), "+00000000+", 1)
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"one witness":                     {lines + "quorum w1\n", true},
		"witnesses and none asked":        {lines + "quorum none\n", true},
		"tabs, spaces, comments":          {lines + " \t# two of three\n\tgroup  g\t2 w0 w1 w2 \nquorum\tg\n", true},
		"no newline at the end":           {lines + "quorum w1", true},
		"nested groups":                   {lines + "group a 1 w0 w1\ngroup b any w2 w3\ngroup c all a b\nquorum c\n", true},
		"a name in UTF-8":                 {strings.ReplaceAll(lines, " w0 ", " wächter ") + "quorum wächter\n", true},
		"carriage returns":                {strings.ReplaceAll(lines, "\n", "\r\n") + "quorum w1\n", false},
		"a comment behind a line":         {lines + "quorum w1 # one\n", false},
		"quorum of an unknown name":       {lines + "quorum w9\n", false},
		"quorum before its group":         {lines + "quorum g\ngroup g 1 w0\n", false},
		"group of an unknown name":        {lines + "group g 1 w0 w9\nquorum g\n", false},
		"group of itself":                 {lines + "group g 1 w0 g\nquorum g\n", false},
		"group of none":                   {lines + "group g 1 none\nquorum g\n", false},
		"empty group":                     {lines + "group g any\nquorum g\n", false},
		"threshold nought":                {lines + "group g 0 w0\nquorum g\n", false},
		"threshold above its members":     {lines + "group g 3 w0 w1\nquorum g\n", false},
		"threshold with a sign":           {lines + "group g +1 w0\nquorum g\n", false},
		"threshold with a leading zero":   {lines + "group g 01 w0\nquorum g\n", false},
		"threshold in words":              {lines + "group g one w0\nquorum g\n", false},
		"a member twice in a group":       {lines + "group g 2 w0 w0\nquorum g\n", false},
		"a member in two groups":          {lines + "group a 1 w0 w1\ngroup b 1 w1 w2\nquorum a\n", false},
		"a witness's name twice":          {lines + "witness w0 " + newCosigner("x").vkey() + "\nquorum w0\n", false},
		"a group named as a witness":      {lines + "group w0 1 w1\nquorum w0\n", false},
		"a group named twice":             {lines + "group g 1 w1\ngroup g 1 w2\nquorum g\n", false},
		"a witness called none":           {"witness none " + all[0].vkey() + "\nquorum none\n", false},
		"a witness called all":            {"witness all " + all[0].vkey() + "\nquorum all\n", false},
		"two witnesses of one key":        {lines + "witness w4 " + same.vkey() + "\nquorum w0\n", false},
		"a witness without a key":         {"witness w0\nquorum w0\n", false},
		"a witness with more":             {"witness w0 " + all[0].vkey() + " https://witness.test/ more\nquorum w0\n", false},
		"a log's key for a witness":       {"witness w0 " + h.vkey + "\nquorum w0\n", false},
		"a plain key for a witness":       {"witness w0 " + plain + "\nquorum w0\n", false},
		"a witness's key, its hash wrong": {"witness w0 " + wrong + "\nquorum w0\n", false},
		"too many witnesses":              {crowd(ledger.MaxPolicyWitnesses+1) + "quorum c0\n", false},
		"as many as there may be":         {crowd(ledger.MaxPolicyWitnesses) + "quorum c0\n", true},
		"too many groups":                 {lines + nest(ledger.MaxPolicyGroups+1) + "quorum g0\n", false},
		"groups in groups in groups":      {lines + nest(ledger.MaxPolicyGroups) + fmt.Sprintf("quorum g%d\n", ledger.MaxPolicyGroups-1), true},
	} {
		if _, err := ledger.ParsePolicy([]byte("log " + h.vkey + "\n" + c.text)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func crowd(n int) (lines string) {
	for i := range n {
		lines += fmt.Sprintf("witness c%d %s\n", i, newCosigner(fmt.Sprintf("crowd.test/%d", i)).vkey())
	}
	return lines
}

func nest(n int) (lines string) {
	last := "w0"
	for i := range n {
		lines += fmt.Sprintf("group g%d 1 %s\n", i, last)
		last = fmt.Sprintf("g%d", i)
	}
	return lines
}

func TestCosignaturesUnderPolicy(t *testing.T) {
	h, other := newHead(t, "log.test/main", 7), newHead(t, "log.test/other", 7)
	lines, w := four(t)
	policy, err := ledger.ParsePolicy([]byte("log " + h.vkey + "\n" + lines + "group g 2 w0 w1 w2\nquorum g\n"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := newCosigner("stranger.test")
	flipped := []byte(w[1].line(h.body, firstTime))
	flipped[len(flipped)-10] ^= 1
	for name, c := range map[string]struct {
		signed string
		ok     bool
	}{
		"none":                            {h.signed, false},
		"one":                             {h.signed + w[0].line(h.body, firstTime), false},
		"two":                             {h.signed + w[0].line(h.body, firstTime) + w[2].line(h.body, firstTime), true},
		"three":                           {h.signed + w[0].line(h.body, firstTime) + w[1].line(h.body, 1) + w[2].line(h.body, lastTime), true},
		"one twice":                       {h.signed + w[0].line(h.body, firstTime) + w[0].line(h.body, firstTime+1), false},
		"two, and one outside the group":  {h.signed + w[3].line(h.body, firstTime) + w[0].line(h.body, firstTime) + w[1].line(h.body, firstTime), true},
		"one, and one outside the group":  {h.signed + w[3].line(h.body, firstTime) + w[0].line(h.body, firstTime), false},
		"one, and a stranger":             {h.signed + w[0].line(h.body, firstTime) + stranger.line(h.body, firstTime), false},
		"two, and a stranger":             {h.signed + w[0].line(h.body, firstTime) + w[1].line(h.body, firstTime) + stranger.line(h.body, firstTime), true},
		"one of another log's head":       {h.signed + w[0].line(h.body, firstTime) + w[1].line(other.body, firstTime), false},
		"one changed":                     {h.signed + w[0].line(h.body, firstTime) + string(flipped), false},
		"two, and one changed":            {h.signed + w[0].line(h.body, firstTime) + string(flipped) + w[2].line(h.body, firstTime), false},
		"two, one at an impossible time":  {h.signed + w[0].line(h.body, firstTime) + w[2].line(h.body, lastTime+1), false},
		"two, without the log":            {h.body + "\n" + w[0].line(h.body, firstTime) + w[1].line(h.body, firstTime), false},
		"two, before the log's signature": {h.body + "\n" + w[0].line(h.body, firstTime) + w[1].line(h.body, firstTime) + strings.TrimPrefix(h.signed, h.body+"\n"), true},
		"another log's":                   {other.signed + w[0].line(other.body, firstTime) + w[1].line(other.body, firstTime), false},
	} {
		if _, err := ledger.OpenCheckpoint(policy, []byte(c.signed)); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := ledger.OpenCheckpoint(policy, []byte(h.signed+w[2].line(h.body, lastTime)+w[3].line(h.body, 0)+w[0].line(h.body, firstTime)))
	want := []ledger.Cosignature{{Witness: "w2", At: lastTime}, {Witness: "w3"}, {Witness: "w0", At: firstTime}}
	if err != nil || c.Size != 7 || !bytes.Equal(c.Hash, make([]byte, 32)) || !slices.Equal(c.Cosignatures, want) {
		t.Errorf("%+v, %v, want %+v", c, err, want)
	}
	if _, err := ledger.OpenCheckpoint(ledger.Policy{}, []byte(h.signed)); err == nil {
		t.Error("opened under no policy")
	}
}

// TestPolicyAgreesWithFormats draws policies of nested groups and sets of cosigners, and asks
// the library of transparency-dev the same question.
func TestPolicyAgreesWithFormats(t *testing.T) {
	h := newHead(t, "log.test/main", 7)
	lines, all := four(t)
	verdicts := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		text, free := "", []string{"w0", "w1", "w2", "w3"}
		for i := range rapid.IntRange(0, 3).Draw(t, "groups") {
			k := rapid.IntRange(1, len(free)).Draw(t, "members")
			text += fmt.Sprintf("group g%d %d %s\n", i, rapid.IntRange(1, k).Draw(t, "threshold"), strings.Join(free[:k], " "))
			free = append(free[k:], fmt.Sprintf("g%d", i))
		}
		text += "quorum " + rapid.SampledFrom(free).Draw(t, "quorum") + "\n"
		signed := h.signed
		for i, c := range all {
			if rapid.Bool().Draw(t, fmt.Sprintf("w%d signs", i)) {
				signed += c.line(h.body, firstTime)
			}
		}
		policy, err := ledger.ParsePolicy([]byte("log " + h.vkey + "\n" + lines + text))
		if err != nil {
			t.Fatal(err)
		}
		// That library wants a URL of each witness.
		library, err := formats.ParsePolicy([]byte(urls(lines) + text))
		if err != nil {
			t.Fatal(err)
		}
		want := library.Satisfied([]byte(signed))
		if _, err := ledger.OpenCheckpoint(policy, []byte(signed)); (err == nil) != want {
			t.Fatalf("%v, want %v:\n%s%s", err, want, text, signed)
		}
		verdicts[want]++
	})
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("one-sided: %v", verdicts)
	}
}

// urls gives every witness line a URL.
func urls(lines string) (all string) {
	for line := range strings.Lines(lines) {
		if fields := strings.Fields(line); len(fields) == 3 {
			line = strings.TrimSpace(line) + " https://witness.test/\n"
		}
		all += line
	}
	return all
}

// The library of transparency-dev verifies what the test's own cosigner makes, and the reverse.
func TestCosignatureAgreesWithFormats(t *testing.T) {
	h := newHead(t, "log.test/main", 7)
	c := newCosigner("witness.test/0")
	verifier, err := formatsnote.NewVerifierForCosignatureV1(c.vkey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open([]byte(h.signed+c.line(h.body, firstTime)), note.VerifierList(verifier)); err != nil {
		t.Error(err)
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open([]byte(h.signed), note.VerifierList(verifier)); !errors.As(err, &unverified) {
		t.Errorf("without the cosignature: %v", err)
	}
}

func FuzzParsePolicy(f *testing.F) {
	h := newHead(f, "log.test/main", 7)
	lines, _ := four(f)
	f.Add("log " + h.vkey + "\n" + lines + "group g 2 w0 w1 w2\nquorum g\n")
	f.Add("log " + h.vkey + "\n" + lines + "group a any w0 w1\ngroup b all a w2\nquorum b\n")
	f.Fuzz(func(t *testing.T, text string) {
		policy, err := ledger.ParsePolicy([]byte(text))
		if err != nil {
			return
		}
		all := map[string]bool{}
		for _, w := range policy.Witnesses() {
			all[w.Name] = true
		}
		if !policy.Satisfied(all) {
			t.Error("all witnesses together are no quorum")
		}
		if policy.AsksWitnesses() && policy.Satisfied(nil) {
			t.Error("no witness is a quorum")
		}
	})
}
