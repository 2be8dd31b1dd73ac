package senml_test

import (
	"testing"

	"aval/domain/envelope"
)

// BenchmarkDecodeVerify is the cost of one message at admission: 6 readings, one signature.
func BenchmarkDecodeVerify(b *testing.B) {
	for name, f := range forms() {
		for _, algorithm := range []string{envelope.EdDSA, envelope.ES256} {
			s := signer(b, algorithm)
			raw, err := f.seal(s, pack())
			if err != nil {
				b.Fatal(err)
			}
			b.Run(name+"/"+algorithm, func(b *testing.B) {
				b.SetBytes(int64(len(raw)))
				for b.Loop() {
					_, shell, err := f.codec.Decode(raw)
					if err != nil || envelope.Verify(s.Key, shell) != nil {
						b.Fatal("does not verify")
					}
				}
			})
			b.Run(name+"/"+algorithm+"/decode", func(b *testing.B) {
				for b.Loop() {
					if _, _, err := f.codec.Decode(raw); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
