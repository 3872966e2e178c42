import { Badge, Button, createTheme, DEFAULT_THEME, type MantineColorsTuple } from '@mantine/core'

type RGB = readonly [number, number, number]

function rgb(hex: string): RGB {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as RGB
}

function mix(from: RGB, to: number, share: number): RGB {
  return from.map((part) => Math.round(part + (to - part) * share)) as unknown as RGB
}

function hex(color: RGB): string {
  return '#' + color.map((part) => part.toString(16).padStart(2, '0')).join('')
}

// onWhite is the contrast of a colour with white (WCAG 2.2, relative luminance).
export function onWhite(color: string): number {
  const [r, g, b] = rgb(color).map((part) => {
    const s = part / 255
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4
  }) as unknown as RGB
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05)
}

// What text needs (WCAG 2.2, 1.4.3).
const readable = 4.5

// shades makes the ten of Mantine from one colour: up to the seventh towards
// white, then itself, darkened until white text is readable on the last two.
export function shades(color: string): MantineColorsTuple {
  const base = rgb(color)
  const light = [0.92, 0.82, 0.68, 0.52, 0.36, 0.2, 0.08].map((share) => hex(mix(base, 255, share)))
  let darken = 0
  while (onWhite(hex(mix(base, 0, darken))) < readable) darken += 0.05
  return [...light, hex(base), hex(mix(base, 0, darken)), hex(mix(base, 0, Math.min(1, darken + 0.08)))] as unknown as MantineColorsTuple
}

// Mantine's, but for the last but one: white text is not readable on that.
const cyan = DEFAULT_THEME.colors.cyan.with(8, '#0b7b8f') as unknown as MantineColorsTuple

// makeTheme is the look of the app, in the brand's colour if there is one.
export function makeTheme(color: string | undefined) {
  return createTheme({
    // White text is readable on the last two: on a button, and under a pointer.
    colors: color ? { brand: shades(color) } : { cyan },
    primaryColor: color ? 'brand' : 'cyan',
    primaryShade: 9,
    defaultRadius: 'md',
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
    fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
    lineHeights: { xs: '1.45', sm: '1.5', md: '1.5', lg: '1.5', xl: '1.4' },
    headings: {
      fontWeight: '600',
      sizes: {
        h1: { fontSize: '1.5rem', lineHeight: '1.3' },
        h2: { fontSize: '1.25rem', lineHeight: '1.35' },
        h3: { fontSize: '1.125rem', lineHeight: '1.4' },
        h4: { fontSize: '1rem', lineHeight: '1.5' },
        h5: { fontSize: '0.875rem', lineHeight: '1.5' },
        h6: { fontSize: '0.8125rem', lineHeight: '1.5' },
      },
    },
    components: {
      // A tag is a word, not a shout.
      Badge: Badge.extend({ defaultProps: { tt: 'none', fw: 500 } }),
      Button: Button.extend({ defaultProps: { fw: 500 } }),
    },
    cursorType: 'pointer',
  })
}
