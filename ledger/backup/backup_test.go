package backup_test

import (
	"archive/tar"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"

	"aval/ledger/backup"
)

// authenticate is what a ledger's key would do.
func authenticate(key string) func([]byte) []byte {
	return func(digest []byte) []byte {
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write(digest)
		return mac.Sum(nil)
	}
}

type file struct {
	name string
	data []byte
}

var files = []file{
	{"archive.json", []byte("{}\n")}, {"empty", nil}, {"tile/entries/x001/000.p/17", bytes.Repeat([]byte{7}, 511)},
	{"bodies/1", bytes.Repeat([]byte("8"), 512)}, {"bodies/2", bytes.Repeat([]byte("9"), 513)},
}

func write(t testing.TB, files []file) []byte {
	t.Helper()
	var out bytes.Buffer
	w := backup.NewWriter(&out)
	for _, f := range files {
		if err := w.Put(f.name, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(authenticate("key")); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func read(data []byte, key string) (all []file, err error) {
	r := backup.NewReader(bytes.NewReader(data))
	for {
		name, content, err := r.Next()
		if err == io.EOF {
			return all, r.Authentic(authenticate(key))
		}
		if err != nil {
			return all, err
		}
		all = append(all, file{name, content})
	}
}

func TestWrittenIsRead(t *testing.T) {
	for n := range len(files) + 1 {
		got, err := read(write(t, files[:n]), "key")
		if err != nil || len(got) != n {
			t.Fatalf("%d files: %v, %v", n, got, err)
		}
		for i, f := range got {
			if f.name != files[i].name || !bytes.Equal(f.data, files[i].data) {
				t.Errorf("file %d: %q %q", i, f.name, f.data)
			}
		}
	}
}

// Any tar program reads an archive.
func TestIsTar(t *testing.T) {
	r := tar.NewReader(bytes.NewReader(write(t, files)))
	for _, want := range append(files[:len(files):len(files)], file{name: "seal"}, file{name: "manifest.json"}) {
		h, err := r.Next()
		if err != nil || h.Name != want.name {
			t.Fatalf("%v, %v, want %s", h, err, want.name)
		}
		if data, err := io.ReadAll(r); err != nil || want.data != nil && !bytes.Equal(data, want.data) {
			t.Errorf("%s: %q, %v", want.name, data, err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// Every single bit counts, whoever reads, and so does every cut.
func TestEveryBitCounts(t *testing.T) {
	sound := write(t, files)
	for at := range sound {
		damaged := bytes.Clone(sound)
		damaged[at] ^= 1 << (at % 8)
		_, err := read(damaged, "key")
		if !errors.Is(err, backup.ErrForm) && !errors.Is(err, backup.ErrChanged) && !errors.Is(err, backup.ErrCut) {
			t.Fatalf("byte %d: %v", at, err)
		}
	}
	for size := range sound {
		if _, err := read(sound[:size], "key"); !errors.Is(err, backup.ErrCut) {
			t.Fatalf("cut to %d bytes: %v", size, err)
		}
	}
	if _, err := read(append(bytes.Clone(sound), 0), "key"); !errors.Is(err, backup.ErrForm) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestForgeries(t *testing.T) {
	sound := write(t, files)
	if _, err := read(sound, "another key"); !errors.Is(err, backup.ErrChanged) {
		t.Errorf("sealed by somebody else: %v", err)
	}
	end := bytes.LastIndex(sound, []byte("manifest.json"))
	seal := end - 1024
	for name, forged := range map[string][]byte{
		"a file left out":       append(bytes.Clone(sound[:512+512]), sound[512+512+512:]...),
		"a file twice":          append(bytes.Clone(sound[:1024]), sound...),
		"two files exchanged":   bytes.Join([][]byte{sound[1024:1536], sound[:1024], sound[1536:]}, nil),
		"two archives joined":   append(bytes.Clone(sound), sound...),
		"no seal":               append(bytes.Clone(sound[:seal]), sound[end:]...),
		"a file after the seal": bytes.Join([][]byte{sound[:end], sound[:1024], sound[end:]}, nil),
		"seal twice":            bytes.Join([][]byte{sound[:end], sound[seal:]}, nil),
		"nothing":               {},
		"zeros":                 make([]byte, 4096),
		"text":                  []byte(strings.Repeat("no archive ", 100)),
	} {
		if got, err := read(forged, "key"); err == nil {
			t.Errorf("%s: read %d files", name, len(got))
		}
	}
}

func TestLimits(t *testing.T) {
	w := backup.NewWriter(io.Discard)
	if err := w.Put(strings.Repeat("n", 101), nil); err == nil {
		t.Error("a name beyond the limit was written")
	}
	if err := w.Put("large", make([]byte, backup.MaxFileBytes+1)); err == nil {
		t.Error("a file beyond the limit was written")
	}
	if err := backup.NewReader(nil).Authentic(authenticate("key")); err == nil {
		t.Error("authentic before the end")
	}
	var huge bytes.Buffer
	h := &tar.Header{Typeflag: tar.TypeReg, Name: "huge", Size: backup.MaxFileBytes + 1, Mode: 0o600, Format: tar.FormatUSTAR}
	if err := tar.NewWriter(&huge).WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	if _, err := read(huge.Bytes(), "key"); !errors.Is(err, backup.ErrForm) {
		t.Errorf("a file beyond the limit: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(write(f, files))
	f.Add(write(f, nil))
	f.Add([]byte("no archive"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := read(data, "key")
		if err != nil {
			return
		}
		if again := write(t, got); !bytes.Equal(again, data) {
			t.Errorf("%d files have two forms", len(got))
		}
	})
}
