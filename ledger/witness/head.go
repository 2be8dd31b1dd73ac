package witness

import (
	"errors"
	"fmt"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// head is a checkpoint, read.
type head struct {
	origin string
	size   uint64
	root   tlog.Hash
}

// emptyRoot is the tree hash over no leaves, RFC 6962 section 2.1.
var emptyRoot, _ = tlog.TreeHash(0, nil)

// readHead reads the text of a checkpoint in its exact form. Extension lines may follow.
func readHead(text string) (head, error) {
	var c log.Checkpoint
	rest, err := c.Unmarshal([]byte(text))
	if err != nil {
		return head{}, err
	}
	if exact := string(c.Marshal()) + string(rest); exact != text || len(c.Hash) != tlog.HashSize || c.Size > maxSize {
		return head{}, errors.New("checkpoint is not in its exact form")
	}
	return head{c.Origin, c.Size, tlog.Hash(c.Hash)}, nil
}

// follows says whether a head may be cosigned after the one that is known, in the order in
// which C2SP asks. The zero head is that of a log never seen.
func follows(known, next head, r request) error {
	switch {
	case r.old != known.size:
		return &conflict{known.size}
	case next.size == 0 && next.root != emptyRoot:
		return errProof
	case next.size == known.size && known.size > 0 && next.root != known.root:
		return errOtherRoot
	case r.old == 0 || next.size == known.size:
		if len(r.proof) > 0 {
			return errProof
		}
		return nil
	}
	if tlog.CheckTree(r.proof, int64(next.size), next.root, int64(known.size), known.root) != nil {
		return errProof
	}
	return nil
}

// formatLine writes a signature as a note carries it.
func formatLine(s note.Signature) []byte { return fmt.Appendf(nil, "— %s %s\n", s.Name, s.Base64) }
