import { createTheme, type MantineColorsTuple } from '@mantine/core'

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

// makeTheme is the look of the app, in the brand's colour if there is one.
export function makeTheme(color: string | undefined) {
  return createTheme({
    ...(color ? { colors: { brand: shades(color) } } : {}),
    primaryColor: color ? 'brand' : 'cyan',
    // The darkest: white text is readable on it, in light and in dark.
    primaryShade: 9,
    defaultRadius: 'md',
    fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
    fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
    headings: { fontWeight: '650' },
    cursorType: 'pointer',
  })
}
