package canon

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Writer puts canonical items one after the other, without reflection: for the few values
// that are encoded so often that Marshal is too slow. It encodes items; that they form one
// value, and that the members of a map come in bytewise order of their encoded names, is the
// caller's duty, and a test against Marshal shows it. The zero Writer is ready; Writers are
// not safe for concurrent use.
type Writer struct {
	buf []byte
	bad bool
}

// Reset begins again, over what was written.
func (w *Writer) Reset() { w.buf, w.bad = w.buf[:0], false }

// Grow makes room for n more bytes.
func (w *Writer) Grow(n int) {
	if cap(w.buf)-len(w.buf) < n {
		w.buf = append(make([]byte, 0, len(w.buf)+n), w.buf...)
	}
}

// Len is the number of bytes written.
func (w *Writer) Len() int { return len(w.buf) }

// Since gives what was written from position from on. It stays as it is until Reset.
func (w *Writer) Since(from int) []byte { return w.buf[from:len(w.buf):len(w.buf)] }

// Finish gives all that was written. It fails for text that is not UTF-8 and beyond MaxBytes, as Marshal does.
func (w *Writer) Finish() ([]byte, error) {
	if w.bad {
		return nil, errors.New("encode canonical: text is not UTF-8")
	}
	if len(w.buf) > MaxBytes {
		return nil, fmt.Errorf("encode canonical: %d bytes, limit %d", len(w.buf), MaxBytes)
	}
	return w.buf, nil
}

// Map begins a map of n members: the names and values that follow.
func (w *Writer) Map(n int) { w.head(majorMap, uint64(n)) }

// Array begins an array of n items.
func (w *Writer) Array(n int) { w.head(majorArray, uint64(n)) }

// Name writes the name of a member: a constant of less than 24 ASCII letters.
func (w *Writer) Name(s string) {
	w.buf = append(append(w.buf, majorText<<5|byte(len(s))), s...)
}

// Text writes a text string.
func (w *Writer) Text(s string) {
	w.bad = w.bad || !utf8.ValidString(s)
	w.head(majorText, uint64(len(s)))
	w.buf = append(w.buf, s...)
}

// Bytes writes a byte string, nil as null.
func (w *Writer) Bytes(b []byte) {
	if b == nil {
		w.Null()
		return
	}
	w.head(majorBytes, uint64(len(b)))
	w.buf = append(w.buf, b...)
}

// Uint writes an unsigned integer.
func (w *Writer) Uint(n uint64) { w.head(majorUnsigned, n) }

// Int writes an integer.
func (w *Writer) Int(n int64) {
	if n < 0 {
		w.head(majorNegative, uint64(-1-n))
		return
	}
	w.head(majorUnsigned, uint64(n))
}

// Null writes null, which stands for an absent list.
func (w *Writer) Null() { w.buf = append(w.buf, majorSimple<<5|22) }

// True writes true.
func (w *Writer) True() { w.buf = append(w.buf, majorSimple<<5|21) }

// Item writes an item that is encoded already.
func (w *Writer) Item(encoded []byte) { w.buf = append(w.buf, encoded...) }

// head writes a major type and its argument in the shortest form.
func (w *Writer) head(major byte, n uint64) {
	major <<= 5
	switch {
	case n < 24:
		w.buf = append(w.buf, major|byte(n))
	case n < 1<<8:
		w.buf = append(w.buf, major|24, byte(n))
	case n < 1<<16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, major|25), uint16(n))
	case n < 1<<32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, major|26), uint32(n))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, major|27), n)
	}
}
