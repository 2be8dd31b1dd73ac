package recovery_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"aval/domain"
	"aval/ledger/recovery"
)

const origin = "aval.example/trade"

var canary = []byte("CANARY: what is split among the members")

// world is a set, its members' keys and its log's.
type world struct {
	set      *recovery.Set
	file     []byte
	log      note.Verifier
	keys     []recovery.Key
	governed domain.Recovery
}

var members = []domain.PartyID{"acme", "bank", "carol", "dora", "emil"}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newWorld(of string, number uint32, threshold, n int) world {
	private, public, err := note.GenerateKey(rand.Reader, of)
	if err != nil {
		panic(err)
	}
	w := world{log: must(note.NewVerifier(public)), governed: domain.Recovery{Number: number, Threshold: threshold}}
	for i := range n {
		w.keys = append(w.keys, must(recovery.NewKey()))
		w.governed.Members = append(w.governed.Members, domain.RecoveryMember{Party: members[i], Key: w.keys[i].Public()})
	}
	w.set = must(recovery.Issue(of, 1, w.governed, canary))
	w.file = must(w.set.Sign(must(note.NewSigner(private))))
	return w
}

// submission is a member's share for a collection.
func (w world) submission(member int, c *recovery.Collection) recovery.Submission {
	share := must(w.set.Open(w.keys[member]))
	return must(recovery.ParseSubmission(must(share.For(c.Request()))))
}

func TestSharesOpenTheSecrets(t *testing.T) {
	for _, c := range []struct{ threshold, n int }{{1, 1}, {1, 3}, {2, 3}, {3, 3}, {3, 5}} {
		w := newWorld(origin, 1, c.threshold, c.n)
		set := must(recovery.ParseSet(w.file, w.log))
		collection := must(recovery.Collect(set))
		for member := c.n - 1; collection.Missing() > 0; member-- {
			if _, err := collection.Open(); err == nil {
				t.Fatalf("%v: opened with %d missing", c, collection.Missing())
			}
			if err := collection.Add(w.submission(member, collection)); err != nil {
				t.Fatal(err)
			}
			// A process that was killed goes on from what it had sealed.
			collection = must(recovery.ParseCollection(set, must(collection.Format())))
		}
		if got, err := collection.Open(); err != nil || !bytes.Equal(got, canary) {
			t.Errorf("%v: %q, %v", c, got, err)
		}
		if left := len(collection.Waiting()); left != c.n-c.threshold {
			t.Errorf("%v: waits for %d", c, left)
		}
	}
}

// TestFewerSharesSayNothing: with one share less than needed, every secret is as likely as every
// other, so nothing that is not k shares opens the set; also not one share counted twice.
func TestFewerSharesSayNothing(t *testing.T) {
	w := newWorld(origin, 1, 3, 5)
	c := must(recovery.Collect(w.set))
	for _, member := range []int{0, 3} {
		if err := c.Add(w.submission(member, c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Add(w.submission(3, c)); !errors.Is(err, recovery.ErrTwice) || !strings.Contains(err.Error(), "dora") {
		t.Errorf("the same again: %v", err)
	}
	if got, err := c.Open(); err == nil || bytes.Contains(got, canary) {
		t.Errorf("opened: %q", got)
	}
	for what, text := range map[string][]byte{"set": w.file, "submission": must(must(w.set.Open(w.keys[0])).For(c.Request()))} {
		if bytes.Contains(text, canary) || bytes.Contains(text, must(w.set.Open(w.keys[0])).Value) {
			t.Errorf("the %s shows a secret", what)
		}
	}
}

// TestRefusedShares: each is refused when it comes, with the member's name, and leaves the collection as it was.
func TestRefusedShares(t *testing.T) {
	w := newWorld(origin, 1, 2, 3)
	again := w // the same members and number, issued once more
	again.set = must(recovery.Issue(origin, 1, w.governed, canary))
	later, foreign := newWorld(origin, 2, 2, 3), newWorld("aval.example/other", 1, 2, 3)
	c, other := must(recovery.Collect(w.set)), must(recovery.Collect(w.set))
	altered := func(change func(*recovery.Submission)) recovery.Submission {
		s := w.submission(1, c)
		change(&s)
		return s
	}
	for name, bad := range map[string]struct {
		share recovery.Submission
		want  error
	}{
		"of a later set":           {later.submission(1, must(recovery.Collect(later.set))), recovery.ErrOld},
		"of a set issued again":    {again.submission(1, must(recovery.Collect(again.set))), recovery.ErrOld},
		"of another ledger":        {foreign.submission(1, must(recovery.Collect(foreign.set))), recovery.ErrForeign},
		"for another request":      {w.submission(1, other), recovery.ErrBad},
		"one bit turned":           {altered(func(s *recovery.Submission) { s.Body[len(s.Body)-1] ^= 1 }), recovery.ErrBad},
		"cut":                      {altered(func(s *recovery.Submission) { s.Body = s.Body[:40] }), recovery.ErrBad},
		"under another's name":     {altered(func(s *recovery.Submission) { s.Party = "acme" }), recovery.ErrForeign},
		"under another's place":    {altered(func(s *recovery.Submission) { s.Party, s.Index = "acme", 1 }), recovery.ErrBad},
		"of a place that is not":   {altered(func(s *recovery.Submission) { s.Index = 4 }), recovery.ErrForeign},
		"of a party without share": {altered(func(s *recovery.Submission) { s.Party = "zoe" }), recovery.ErrForeign},
	} {
		err := c.Add(bad.share)
		if !errors.Is(err, bad.want) || !strings.Contains(err.Error(), string(bad.share.Party)) {
			t.Errorf("%s: %v, want %v", name, err, bad.want)
		}
		if c.Missing() != 2 {
			t.Fatalf("%s: counted", name)
		}
	}
	if _, err := w.set.Open(must(recovery.NewKey())); !errors.Is(err, recovery.ErrNoShare) {
		t.Errorf("a stranger's key: %v", err)
	}
	if _, err := recovery.ParseCollection(later.set, must(c.Format())); !errors.Is(err, recovery.ErrOld) {
		t.Errorf("gathered for another set: %v", err)
	}
}

// TestForgedShare: whoever seals a made-up value to the request is refused by the commitment, before
// anybody else has to come.
func TestForgedShare(t *testing.T) {
	w := newWorld(origin, 1, 2, 3)
	c := must(recovery.Collect(w.set))
	forged := must(w.set.Open(w.keys[0]))
	forged.Value = bytes.Clone(forged.Value)
	forged.Value[0] ^= 1
	if err := c.Add(must(recovery.ParseSubmission(must(forged.For(c.Request()))))); !errors.Is(err, recovery.ErrBad) || !strings.Contains(err.Error(), "acme") {
		t.Errorf("taken: %v", err)
	}
}

func TestAlteredSetIsRefused(t *testing.T) {
	w := newWorld(origin, 1, 2, 3)
	for at := 0; at < len(w.file); at += 97 {
		bad := bytes.Clone(w.file)
		bad[at] ^= 1
		if _, err := recovery.ParseSet(bad, w.log); err == nil {
			t.Errorf("byte %d turned: taken", at)
		}
	}
	if _, err := recovery.ParseSet(w.file, newWorld(origin, 1, 2, 3).log); err == nil {
		t.Error("taken under another log key")
	}
	if _, err := recovery.ParseSet(append(bytes.Clone(w.file), 0), w.log); err == nil {
		t.Error("taken with a byte more")
	}
}

func TestIssueRefuses(t *testing.T) {
	w := newWorld(origin, 1, 2, 3)
	for name, change := range map[string]func(*domain.Recovery){
		"nobody":         func(r *domain.Recovery) { r.Members = nil },
		"none needed":    func(r *domain.Recovery) { r.Threshold = 0 },
		"too many":       func(r *domain.Recovery) { r.Threshold = 4 },
		"a broken key":   func(r *domain.Recovery) { r.Members[1].Key = r.Members[1].Key[1:] },
		"too many users": func(r *domain.Recovery) { r.Members = make([]domain.RecoveryMember, recovery.MaxMembers+1) },
	} {
		r := w.governed
		r.Members = append([]domain.RecoveryMember{}, r.Members...)
		change(&r)
		if _, err := recovery.Issue(origin, 1, r, canary); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
}

// TestGrants: only the request that was made gets the keys, and only whoever made it reads them.
func TestGrants(t *testing.T) {
	nonce := bytes.Repeat([]byte{7}, recovery.NonceBytes)
	r, key, err := recovery.NewRequest(origin, nonce)
	if err != nil {
		t.Fatal(err)
	}
	granted := must(r.Grant(canary))
	if got, err := r.Accept(key, granted); err != nil || !bytes.Equal(got, canary) {
		t.Fatalf("%q, %v", got, err)
	}
	if bytes.Contains(granted, canary) {
		t.Error("granted in clear")
	}
	other := r
	other.Nonce = bytes.Repeat([]byte{8}, recovery.NonceBytes)
	if _, err := other.Accept(key, granted); err == nil {
		t.Error("taken for another nonce")
	}
	other = r
	other.Origin = "aval.example/other"
	if _, err := other.Accept(key, granted); err == nil {
		t.Error("taken for another ledger")
	}
	if _, err := r.Accept(must(recovery.NewKey()), granted); err == nil {
		t.Error("opened with another key")
	}
	granted[len(granted)-1] ^= 1
	if _, err := r.Accept(key, granted); err == nil {
		t.Error("taken altered")
	}
}

func TestKeysHideThemselves(t *testing.T) {
	w := newWorld(origin, 1, 1, 1)
	text := must(w.keys[0].Format())
	if again := must(recovery.ParseKey(text)); !bytes.Equal(again.Public(), w.keys[0].Public()) || recovery.CheckPublic(again.Public()) != nil {
		t.Error("read again, it is another key")
	}
	share := must(w.set.Open(w.keys[0]))
	secret := fmt.Sprintf("%x", share.Value)
	for _, shown := range []string{fmt.Sprintf("%v", share), fmt.Sprintf("%+v", share), fmt.Sprintf("%#v", share), fmt.Sprint(share)} {
		if strings.Contains(shown, secret) || strings.Contains(shown, fmt.Sprint(share.Value)) {
			t.Errorf("shown: %s", shown)
		}
	}
	for _, bad := range []string{"", "{}", `{"kind":"aval-recovery-key","private":"QUFB"}`, string(text) + "x"} {
		if _, err := recovery.ParseKey([]byte(bad)); err == nil || strings.Contains(err.Error(), "QUFB") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestAnyKOpenAndNoFewer is the law over all sizes.
func TestAnyKOpenAndNoFewer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "members")
		w := newWorld(origin, 1, rapid.IntRange(1, n).Draw(t, "threshold"), n)
		c := must(recovery.Collect(w.set))
		for _, member := range rapid.Permutation([]int{0, 1, 2, 3, 4}[:n]).Draw(t, "order") {
			if _, err := c.Open(); (err == nil) != (c.Missing() == 0) {
				t.Fatalf("missing %d: %v", c.Missing(), err)
			}
			if c.Missing() == 0 {
				break
			}
			if err := c.Add(w.submission(member, c)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := c.Open(); err != nil || !bytes.Equal(got, canary) {
			t.Fatalf("%q, %v", got, err)
		}
	})
}
