package envelope_test

import (
	"compress/gzip"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
)

// vectors are the ZIP 215 cases of the library's own repository: every pairing of points of
// small order, in every encoding, as key and as R, with S zero. All must be accepted.
func vectors(t *testing.T) [][2]string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/oasisprotocol/curve25519-voi").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "primitives/ed25519/testdata/zip215.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	reader, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][2]string
	if err := json.NewDecoder(reader).Decode(&all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("%d vectors", len(all))
	}
	return all
}

func edgeCases(t *testing.T) (keys []domain.Key, signed []domain.Signed) {
	for _, v := range vectors(t) {
		public, err := hex.DecodeString(v[0])
		signature, err2 := hex.DecodeString(v[1])
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, domain.Key{ID: "k", Algorithm: envelope.EdDSA, Public: public})
		signed = append(signed, domain.Signed{KeyID: "k", Algorithm: envelope.EdDSA, Input: []byte("Zcash"), Signature: signature})
	}
	return keys, signed
}

// Alone and together, each edge case gets the answer of ZIP 215; and nobody can register its key.
func TestEdgeVectorsOfZIP215(t *testing.T) {
	keys, signed := edgeCases(t)
	together := envelope.VerifyAll(keys, signed)
	for i, key := range keys {
		if err := envelope.Verify(key, signed[i]); err != nil || together[i] != nil {
			t.Errorf("vector %d: alone %v, together %v", i, err, together[i])
		}
		if err := envelope.CheckKey(key); err == nil {
			t.Errorf("vector %d: a key under which anybody can sign was taken", i)
		}
	}
}

// A signature that differs by the group order is another signature of the same text to
// RFC 8032's careless readers; here it is none.
func TestSignatureOfLargeScalarIsRefused(t *testing.T) {
	order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	key, signed := genuine(t, envelope.EdDSA)
	carry := 0
	large := append([]byte{}, signed.Signature...)
	for i, b := range order {
		sum := int(large[32+i]) + int(b) + carry
		large[32+i], carry = byte(sum), sum>>8
	}
	signed.Signature = large
	if envelope.Verify(key, signed) == nil || envelope.VerifyAll([]domain.Key{key}, []domain.Signed{signed})[0] == nil {
		t.Error("accepted")
	}
}

func genuine(t *testing.T, algorithm string) (domain.Key, domain.Signed) {
	t.Helper()
	s, err := envelope.NewSigner(algorithm, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	input := []byte("text " + s.Key.ID)
	signature, err := s.Sign(input)
	if err != nil {
		t.Fatal(err)
	}
	return s.Key, domain.Signed{KeyID: s.Key.ID, Algorithm: algorithm, Input: input, Signature: signature}
}

// Whatever is wrong with some signatures of a batch, each gets the answer that it gets alone.
func TestTogetherAsAlone(t *testing.T) {
	spoil := []func(*domain.Key, *domain.Signed){
		func(*domain.Key, *domain.Signed) {},
		func(_ *domain.Key, s *domain.Signed) { s.Signature[5] ^= 1 },
		func(_ *domain.Key, s *domain.Signed) { s.Input = append(s.Input, '!') },
		func(_ *domain.Key, s *domain.Signed) { s.Signature = s.Signature[:63] },
		func(_ *domain.Key, s *domain.Signed) { s.Signature = nil },
		func(_ *domain.Key, s *domain.Signed) { s.Algorithm = "none" },
		func(k *domain.Key, _ *domain.Signed) { k.ID = "another" },
		func(k *domain.Key, _ *domain.Signed) { k.Public = k.Public[:31] },
		func(k *domain.Key, _ *domain.Signed) { k.Algorithm = "none" },
	}
	for wrong := range spoil {
		var keys []domain.Key
		var signed []domain.Signed
		for i := range 40 {
			key, s := genuine(t, []string{envelope.EdDSA, envelope.EdDSA, envelope.EdDSA, envelope.ES256}[i%4])
			if i%10 == 3 || i%10 == 5 {
				spoil[wrong](&key, &s)
			}
			keys, signed = append(keys, key), append(signed, s)
		}
		for i, err := range envelope.VerifyAll(keys, signed) {
			alone := envelope.Verify(keys[i], signed[i])
			if (err == nil) != (alone == nil) || (alone == nil) != (wrong == 0 || i%10 != 3 && i%10 != 5) {
				t.Errorf("case %d, signature %d: together %v, alone %v", wrong, i, err, alone)
			}
		}
	}
	if got := envelope.VerifyAll(nil, nil); len(got) != 0 {
		t.Errorf("nothing gives %v", got)
	}
}
