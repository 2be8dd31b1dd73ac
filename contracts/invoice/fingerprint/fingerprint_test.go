package fingerprint_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/oprf"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"aval/contracts/invoice/fingerprint"
	"aval/domain"
)

// registry is the other side, by the library alone.
type registry struct {
	key    *oprf.PrivateKey
	public []byte
}

func newRegistry(t testing.TB) registry {
	t.Helper()
	key, err := oprf.GenerateKey(oprf.SuiteRistretto255, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return registry{key, public}
}

func (r registry) answer(t testing.TB, request fingerprint.Request) fingerprint.Answer {
	t.Helper()
	var elements []oprf.Blinded
	for _, raw := range [][]byte{request.Exact, request.Loose} {
		e := group.Ristretto255.NewElement()
		if err := e.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		elements = append(elements, e)
	}
	evaluation, err := oprf.NewVerifiableServer(oprf.SuiteRistretto255, r.key).Evaluate(&oprf.EvaluationRequest{Elements: elements})
	if err != nil {
		t.Fatal(err)
	}
	exact, _ := evaluation.Elements[0].MarshalBinaryCompress()
	loose, _ := evaluation.Elements[1].MarshalBinaryCompress()
	proof, err := evaluation.Proof.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return fingerprint.Answer{Exact: exact, Loose: loose, Proof: proof}
}

// of is the whole exchange with a fresh seed.
func (r registry) of(t testing.TB, id fingerprint.Identity) fingerprint.Pair {
	t.Helper()
	seed := make([]byte, fingerprint.SeedBytes)
	if _, err := rand.Read(seed); err != nil {
		t.Fatal(err)
	}
	request, err := fingerprint.Blind(id, seed)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := fingerprint.Open(r.public, id, seed, r.answer(t, request))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func seller(number string) fingerprint.Identity {
	return fingerprint.Identity{Supplier: "724500A93Z8V1MJK9W10", Number: number, Year: 2026}
}

func TestCosmeticsDoNotChangeAFingerprint(t *testing.T) {
	r := newRegistry(t)
	for number, spellings := range map[string][]string{
		"7023708":       {" 7023708 ", "7023708\t", "７０２３７０８", "702 3708", "702\u00a03708", "\u200b7023708", "7023708\ufeff"},
		"INV-2026/007A": {"inv-2026/007a", "ＩＮＶ－２０２６／００７Ａ", "INV–2026/007A", "INV−2026/007A", "INV‐2026/007A", " Inv-2026 / 007a"},
		"Café-12":       {norm.NFD.String("Café-12"), norm.NFC.String("CAFÉ-12"), "cafe\u0301-12"},
		"STRASSE-1":     {"straße-1", "STRAẞE-1"},
	} {
		want := r.of(t, seller(number))
		for _, spelling := range spellings {
			if got := r.of(t, seller(spelling)); got != want {
				t.Errorf("%q and %q have two fingerprints", number, spelling)
			}
		}
	}
}

func TestLeadingZerosAreFlaggedAndNotMerged(t *testing.T) {
	r := newRegistry(t)
	a, b := r.of(t, seller("7023708")), r.of(t, seller("0007023708"))
	if a.Exact == b.Exact || a.Loose != b.Loose {
		t.Errorf("want the same loose and two exact ones: %+v, %+v", a, b)
	}
	if a.Exact == a.Loose {
		t.Error("a loose fingerprint passes for an exact one")
	}
	if zeros := r.of(t, seller("000")); zeros.Loose != r.of(t, seller("0")).Loose || zeros.Loose == a.Loose {
		t.Error("numbers of zeros alone")
	}
}

func TestOtherInvoicesHaveOtherFingerprints(t *testing.T) {
	r := newRegistry(t)
	seen := map[string]string{}
	for name, id := range map[string]fingerprint.Identity{
		"base": seller("7023708"), "number": seller("7023709"), "year": {Supplier: "724500A93Z8V1MJK9W10", Number: "7023708", Year: 2025},
		"supplier": {Supplier: "acme", Number: "7023708", Year: 2026}, "moved bound": {Supplier: "724500A93Z8V1MJK9W107", Number: "023708", Year: 2026},
		"slash": seller("70/23708"), "dot": seller("7023.708"), "inner zero": seller("70023708"),
	} {
		pair := r.of(t, id)
		for _, print := range []string{pair.Exact, pair.Loose} {
			if other, twice := seen[print]; twice {
				t.Errorf("%s has the fingerprint of %s", name, other)
			}
			seen[print] = name
		}
	}
	if newRegistry(t).of(t, seller("7023708")) == r.of(t, seller("7023708")) {
		t.Error("the key of the registry does not count")
	}
}

// A member holds all that is public: the fingerprints, the registry's public key, and what it
// saw of requests and answers. It tries ten thousand amounts, and numbers too, in every way that
// needs no key: hashes, HMACs under what is public, and blinded elements under guessed seeds.
func TestTryingTenThousandAmountsSaysNothing(t *testing.T) {
	r := newRegistry(t)
	id, seed := seller("7023708"), make([]byte, fingerprint.SeedBytes)
	if _, err := rand.Read(seed); err != nil {
		t.Fatal(err)
	}
	request, _ := fingerprint.Blind(id, seed)
	answer := r.answer(t, request)
	pair, err := fingerprint.Open(r.public, id, seed, answer)
	if err != nil {
		t.Fatal(err)
	}
	public := map[string]bool{pair.Exact: true, pair.Loose: true}
	for _, raw := range [][]byte{request.Exact, request.Loose, answer.Exact, answer.Loose} {
		public[hex.EncodeToString(raw)] = true
	}
	for minor := range 10_000 {
		text := fmt.Appendf(nil, "%s|%s|%d|%d.%02d", id.Supplier, id.Number, id.Year, minor/100, minor%100)
		if minor == 0 {
			text = fmt.Appendf(nil, "%s|%s|%d", id.Supplier, id.Number, id.Year) // and the true identity
		}
		plain, long, keyed := sha256.Sum256(text), sha512.Sum512(text), hmac.New(sha256.New, r.public)
		keyed.Write(text)
		for _, guess := range [][]byte{plain[:], long[:fingerprint.Bytes], keyed.Sum(nil)} {
			if public[hex.EncodeToString(guess)] {
				t.Fatalf("%s was confirmed", text)
			}
		}
	}
	var zero [fingerprint.SeedBytes]byte
	for n := range 200 {
		zero[0] = byte(n)
		guess, err := fingerprint.Blind(id, zero[:])
		if err != nil || public[hex.EncodeToString(guess.Exact)] || public[hex.EncodeToString(guess.Loose)] {
			t.Fatalf("a blinded element was met again (%v)", err)
		}
		if _, err := fingerprint.Open(r.public, id, zero[:], answer); err == nil {
			t.Fatal("an answer was opened without its seed")
		}
	}
}

// The function has no amount among its inputs: what an invoice is worth cannot show.
func TestARequestNeverLooksTheSame(t *testing.T) {
	seen := map[string]bool{}
	for n := range 50 {
		seed := bytes.Repeat([]byte{byte(n)}, fingerprint.SeedBytes)
		request, err := fingerprint.Blind(seller("7023708"), seed)
		if err != nil || seen[string(request.Exact)] || seen[string(request.Loose)] {
			t.Fatalf("the registry can link two requests of one invoice (%v)", err)
		}
		seen[string(request.Exact)], seen[string(request.Loose)] = true, true
	}
}

func TestAnswersRefused(t *testing.T) {
	r, other := newRegistry(t), newRegistry(t)
	id, seed := seller("7023708"), bytes.Repeat([]byte{7}, fingerprint.SeedBytes)
	request, err := fingerprint.Blind(id, seed)
	if err != nil {
		t.Fatal(err)
	}
	good := r.answer(t, request)
	identity, _ := group.Ristretto255.Identity().MarshalBinaryCompress()
	for name, c := range map[string]struct {
		public []byte
		id     fingerprint.Identity
		answer fingerprint.Answer
		code   domain.Code
	}{
		"another key":     {other.public, id, good, domain.NotEvidence},
		"answer of other": {r.public, id, other.answer(t, request), domain.NotEvidence},
		"other number":    {r.public, seller("7023709"), good, domain.NotEvidence},
		"swapped":         {r.public, id, fingerprint.Answer{Exact: good.Loose, Loose: good.Exact, Proof: good.Proof}, domain.NotEvidence},
		"unanswered":      {r.public, id, fingerprint.Answer{Exact: request.Exact, Loose: request.Loose, Proof: good.Proof}, domain.NotEvidence},
		"no proof":        {r.public, id, fingerprint.Answer{Exact: good.Exact, Loose: good.Loose}, domain.Malformed},
		"zero proof":      {r.public, id, fingerprint.Answer{Exact: good.Exact, Loose: good.Loose, Proof: make([]byte, 64)}, domain.NotEvidence},
		"identity":        {r.public, id, fingerprint.Answer{Exact: identity, Loose: good.Loose, Proof: good.Proof}, domain.Malformed},
		"identity as key": {identity, id, good, domain.Malformed},
		"short key":       {r.public[:31], id, good, domain.Malformed},
		"empty number":    {r.public, seller(" \u200b "), good, domain.Malformed},
		"control":         {r.public, seller("1\x002"), good, domain.Malformed},
		"no text":         {r.public, seller("\xff"), good, domain.Malformed},
		"long number":     {r.public, seller(strings.Repeat("1", 257)), good, domain.Malformed},
		"grows":           {r.public, seller(strings.Repeat("\ufdfa", 80)), good, domain.Malformed},
		"year":            {r.public, fingerprint.Identity{Supplier: "a", Number: "1", Year: 0}, good, domain.Malformed},
	} {
		var refusal *domain.Rejection
		if _, err := fingerprint.Open(c.public, c.id, seed, c.answer); !errors.As(err, &refusal) || refusal.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	for _, length := range []int{0, 31, 33} {
		if _, err := fingerprint.Blind(id, make([]byte, length)); err == nil {
			t.Errorf("a seed of %d bytes was taken", length)
		}
	}
}

func TestNormalisingTwiceChangesNothing(t *testing.T) {
	for large, small := range map[string]string{"\u13a0": "\uab70", "\u13ef": "\uabbf", "\u13f5": "\u13fd"} {
		a, err := fingerprint.Normalise(large)
		b, other := fingerprint.Normalise(small)
		if err != nil || other != nil || a != b {
			t.Errorf("%q becomes %q, and %q becomes %q", large, a, small, b)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.StringN(0, 40, 200).Draw(t, "number")
		once, err := fingerprint.Normalise(number)
		if err != nil {
			return
		}
		if twice, err := fingerprint.Normalise(once); err != nil || twice != once {
			t.Fatalf("%q becomes %q, then %q (%v)", number, once, twice, err)
		}
		for _, spelling := range []string{norm.NFD.String(number), norm.NFC.String(number), " " + number + "\u200b"} {
			if same, err := fingerprint.Normalise(spelling); err == nil && same != once {
				t.Fatalf("%q becomes %q, and %q becomes %q", number, once, spelling, same)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	r := newRegistry(f)
	seed := bytes.Repeat([]byte{7}, fingerprint.SeedBytes)
	request, _ := fingerprint.Blind(seller("7023708"), seed)
	good := r.answer(f, request)
	f.Add(r.public, seed, good.Exact, good.Loose, good.Proof, "7023708")
	f.Fuzz(func(t *testing.T, public, blind, exact, loose, proof []byte, number string) {
		answer := fingerprint.Answer{Exact: exact, Loose: loose, Proof: proof}
		pair, err := fingerprint.Open(public, seller(number), blind, answer)
		if err == nil && (len(pair.Exact) != 64 || len(pair.Loose) != 64 || pair.Exact == pair.Loose) {
			t.Fatalf("%+v", pair)
		}
		if normal, err := fingerprint.Normalise(number); err == nil {
			if again, err := fingerprint.Normalise(normal); err != nil || again != normal {
				t.Fatalf("%q, then %q: %v", normal, again, err)
			}
		}
	})
}
