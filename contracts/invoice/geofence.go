package invoice

import "math/bits"

// The fence is a circle by straight lines: a position is inside if the line from it to the
// centre, through the earth, both at height zero on the WGS 84 ellipsoid, is at most the
// radius long. At 50 km that line is 0.13 m shorter than the way along the ground, at 5 km
// a tenth of a millimetre. Working in space, not on a map, there is nothing special about the
// poles, the antimeridian or high latitudes.
//
// All arithmetic is on integers. Sine, cosine and root are fixed point with 62 fractional
// bits, wrong by less than 2^-57, so a co-ordinate of 6.4e6 m is wrong by less than a nanometre
// before it is rounded to 0.1 mm. Three rounded co-ordinates of two points make the computed
// distance wrong by at most 0.18 mm: a fiftieth of the 11 mm that the last digit of a
// position stands for. The comparison itself is exact, and equal is inside.

const (
	// degrees is one degree in the unit of positions, 1e-7 degrees.
	degrees = 10_000_000
	// one is 1.0 in fixed point with 62 fractional bits.
	one = 1 << 62
	// piFixed is pi with 62 fractional bits.
	piFixed = 0xC90FDAA22168C235
	// eccentricity is the first eccentricity squared of WGS 84, 0.006694379990141317, in fixed point.
	eccentricity = 30_872_378_602_574_786
	// guard is the fractional bits of a length in fixed point, on top of 0.1 mm.
	guard = 20
	// semiMajor is the equatorial radius of WGS 84, 6378137 m, in 0.1 mm with guard bits.
	semiMajor = 63_781_370_000 << guard
	// unitsPerMetre is the number of 0.1 mm in a metre.
	unitsPerMetre = 10_000
)

// onEarth says whether a position in 1e-7 degrees exists.
func onEarth(latitude, longitude int64) bool {
	return latitude >= -90*degrees && latitude <= 90*degrees && longitude >= -180*degrees && longitude <= 180*degrees
}

// contains says whether a position on earth, in 1e-7 degrees, is inside the fence or on its edge.
func (f Fence) contains(latitude, longitude int64) bool {
	limit := f.RadiusMetres * unitsPerMetre
	a, b := place(f.Latitude, f.Longitude), place(latitude, longitude)
	sum := int64(0)
	for axis := range a {
		difference := a[axis] - b[axis]
		if difference > limit || difference < -limit {
			return false // also keeps the squares within 63 bits
		}
		sum += difference * difference
	}
	return sum <= limit*limit
}

// place gives the earth-centred co-ordinates of a position at height zero, in 0.1 mm.
func place(latitude, longitude int64) [3]int64 {
	sinLat, cosLat := sincos(latitude)
	sinLon, cosLon := sincos(longitude)
	up, across := magnitude(sinLat), magnitude(cosLat)
	// The radius of curvature in the prime vertical, a / sqrt(1 - e2 sin2).
	high, low := bits.Mul64(semiMajor, one)
	curvature, _ := bits.Div64(high, low, root(one-multiply(eccentricity, multiply(up, up))))
	ring := multiply(curvature, across)
	return [3]int64{
		signed(multiply(ring, magnitude(cosLon)), cosLon < 0),
		signed(multiply(ring, magnitude(sinLon)), sinLon < 0),
		signed(multiply(multiply(curvature, one-eccentricity), up), sinLat < 0),
	}
}

// sincos gives sine and cosine in fixed point of an angle in 1e-7 degrees, of -180 to 180
// degrees. The angle is brought into the first 45 degrees exactly, by whole units.
func sincos(angle int64) (sine, cosine int64) {
	turned := magnitude(angle)
	beyond := turned > 90*degrees
	if beyond {
		turned = 180*degrees - turned
	}
	swapped := turned > 45*degrees
	if swapped {
		turned = 90*degrees - turned
	}
	high, low := bits.Mul64(turned, piFixed)
	radians, _ := bits.Div64(high, low, 180*degrees)
	s, c := series(radians)
	if swapped {
		s, c = c, s
	}
	sine, cosine = int64(s), int64(c)
	if angle < 0 {
		sine = -sine
	}
	if beyond {
		cosine = -cosine
	}
	return sine, cosine
}

// series sums the Taylor series of sine and cosine for 0 to pi/4 by Horner's rule. The first
// term left out is below 2^-70.
func series(x uint64) (sine, cosine uint64) {
	square := multiply(x, x)
	s, c := uint64(one), uint64(one)
	for k := uint64(10); k >= 1; k-- {
		s = one - multiply(square, s)/(2*k*(2*k+1))
		c = one - multiply(square, c)/(2*k*(2*k-1))
	}
	return multiply(x, s), c
}

// root is the square root in fixed point of a value in [1 - e2, 1], by Newton's rule: from
// 1, five steps square an error of 0.4 % down to the last bit.
func root(w uint64) uint64 {
	y := uint64(one)
	for range 5 {
		quotient, _ := bits.Div64(w>>2, w<<62, y)
		y = (y + quotient) / 2
	}
	return y
}

// multiply gives a x b / 2^62, rounded to nearest. The product must be below 2^126.
func multiply(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	low, carry := bits.Add64(low, 1<<61, 0)
	return (high+carry)<<2 | low>>62
}

// signed drops the guard bits, rounding to nearest, and gives the sign.
func signed(length uint64, negative bool) int64 {
	rounded := int64((length + 1<<(guard-1)) >> guard)
	if negative {
		return -rounded
	}
	return rounded
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return uint64(-n)
	}
	return uint64(n)
}
