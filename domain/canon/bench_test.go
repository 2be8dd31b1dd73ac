package canon_test

import (
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

func BenchmarkMarshalObservation(b *testing.B)   { benchmarkMarshal(b, observation()) }
func BenchmarkMarshalPosting(b *testing.B)       { benchmarkMarshal(b, payment()) }
func BenchmarkUnmarshalObservation(b *testing.B) { benchmarkUnmarshal(b, observation()) }
func BenchmarkUnmarshalPosting(b *testing.B)     { benchmarkUnmarshal(b, payment()) }

func benchmarkMarshal[T any](b *testing.B, v T) {
	data, err := canon.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canon.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkUnmarshal[T any](b *testing.B, v T) {
	data, err := canon.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var back T
		if err := canon.Unmarshal(data, &back); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeJSONCommand(b *testing.B) {
	text := []byte(`{"ledger":"ledger.example/trade","id":"01JDQ4Y0R7TT0K7V9Z4W4K5M6N","kind":"cash/1","contract":"main",` +
		`"name":"transfer","body":{"to":"acme","amount":{"minor":500,"currency":"EUR"}},"notAfter":1420070400000}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var c domain.Command
		if err := canon.DecodeJSON(text, &c); err != nil {
			b.Fatal(err)
		}
	}
}
