package canon

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// The major types of RFC 8949 section 3.1.
const (
	majorUnsigned = 0
	majorNegative = 1
	majorBytes    = 2
	majorText     = 3
	majorArray    = 4
	majorMap      = 5
	majorTag      = 6
	majorSimple   = 7
)

var errCutShort = errors.New("item cut short or of indefinite length")

// checkPlain walks one encoded item, whatever Go type it came from, and refuses what canon
// does not carry: floats, tags, simple values but false, true and null, text that is not
// UTF-8, and what exceeds MaxDepth or MaxElements.
func checkPlain(item []byte) error {
	rest, err := skipPlain(item, 0)
	if err == nil && len(rest) > 0 {
		return errors.New("bytes after the item")
	}
	return err
}

// skipPlain checks the first item of data, inside depth arrays and maps, and returns the bytes after it.
func skipPlain(data []byte, depth int) ([]byte, error) {
	major, n, rest, err := head(data)
	if err != nil {
		return nil, err
	}
	switch major {
	case majorBytes, majorText:
		if n > uint64(len(rest)) {
			return nil, errCutShort
		}
		if major == majorText && !utf8.Valid(rest[:n]) {
			return nil, errors.New("text is not UTF-8")
		}
		return rest[n:], nil
	case majorArray, majorMap:
		return skipItems(rest, major, n, depth+1)
	case majorTag:
		return nil, fmt.Errorf("tag %d", n)
	case majorSimple:
		// Simple values stand in the first byte; floats have 2, 4 or 8 bytes after it.
		if info := data[0] & 31; info < 20 || info > 22 {
			return nil, errors.New("floating point number or simple value other than false, true, null")
		}
	}
	return rest, nil
}

func skipItems(rest []byte, major byte, n uint64, depth int) ([]byte, error) {
	if depth > MaxDepth || n > MaxElements {
		return nil, fmt.Errorf("%d elements at depth %d, limits %d and %d", n, depth, MaxElements, MaxDepth)
	}
	if major == majorMap {
		n *= 2
	}
	var err error
	for range n {
		if rest, err = skipPlain(rest, depth); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// head splits the first byte of an item and its argument (RFC 8949 section 3) from the rest.
func head(data []byte) (major byte, argument uint64, rest []byte, err error) {
	if len(data) == 0 {
		return 0, 0, nil, errCutShort
	}
	major, info, rest := data[0]>>5, data[0]&31, data[1:]
	if info < 24 {
		return major, uint64(info), rest, nil
	}
	size := 1 << (info - 24)
	if info > 27 || size > len(rest) {
		return 0, 0, nil, errCutShort
	}
	for _, b := range rest[:size] {
		argument = argument<<8 | uint64(b)
	}
	return major, argument, rest[size:], nil
}
