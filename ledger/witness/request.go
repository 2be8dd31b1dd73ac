package witness

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Limits of an add-checkpoint request. C2SP allows 63 lines of proof; a checkpoint with a
// hundred signatures of the largest kind would not fit, with those of a large quorum it does.
const (
	MaxRequestBytes = 64 << 10
	MaxProofLines   = 63
	// maxSize bounds the logs that can be witnessed: sizes that tlog holds with room.
	maxSize = 1 << 62
)

// request is the body of an add-checkpoint request.
type request struct {
	// old is the size that the proof begins at, as the sender believes the witness to know it.
	old        uint64
	proof      tlog.TreeProof
	checkpoint []byte
}

// format writes the body.
func (r request) format() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", r.old)
	for _, h := range r.proof {
		fmt.Fprintf(&b, "%s\n", base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
	b.Write(r.checkpoint)
	return b.Bytes()
}

// parseRequest reads a body in its exact form. It does not look into the checkpoint.
func parseRequest(body []byte) (request, error) {
	var r request
	if len(body) > MaxRequestBytes {
		return r, fmt.Errorf("request of %d bytes, limit %d", len(body), MaxRequestBytes)
	}
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return r, errors.New("want an empty line before the checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	if len(lines)-1 > MaxProofLines {
		return r, fmt.Errorf("%d lines of proof, limit %d", len(lines)-1, MaxProofLines)
	}
	text, ok := strings.CutPrefix(lines[0], "old ")
	old, err := parseSize(text)
	if !ok || err != nil {
		return r, errors.New("want old and a size in decimal on the first line")
	}
	r.old, r.checkpoint = old, checkpoint
	for i, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != tlog.HashSize || strings.ContainsRune(line, '\r') {
			return r, fmt.Errorf("proof line %d: want %d bytes in base64", i+1, tlog.HashSize)
		}
		r.proof = append(r.proof, tlog.Hash(h))
	}
	return r, nil
}

// parseSize reads a size in plain decimal.
func parseSize(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != text || n > maxSize {
		return 0, fmt.Errorf("size %.20q: want plain decimal, at most %d", text, uint64(maxSize))
	}
	return n, nil
}
