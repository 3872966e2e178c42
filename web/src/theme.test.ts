import { describe, expect, it } from 'vitest'
import { makeTheme, onWhite, shades } from './theme'

describe('a brand colour', () => {
  it.each(['#ffff00', '#ffffff', '#000000', '#0b7285', '#ff0000', '#7fffd4'])('%s becomes ten shades on the darkest of which white text is readable', (color) => {
    const all = shades(color)
    expect(all).toHaveLength(10)
    for (const shade of all) expect(shade).toMatch(/^#[0-9a-f]{6}$/)
    expect(onWhite(all[8]!)).toBeGreaterThanOrEqual(4.5)
    expect(onWhite(all[9]!)).toBeGreaterThanOrEqual(4.5)
  })

  it('is used, and ours without one', () => {
    expect(makeTheme('#ff0000').primaryColor).toBe('brand')
    expect(makeTheme(undefined).primaryColor).toBe('cyan')
    for (const shade of makeTheme(undefined).colors!['cyan']!.slice(8)) expect(onWhite(shade)).toBeGreaterThanOrEqual(4.5)
  })

  it('knows the contrasts of WCAG', () => {
    expect(onWhite('#000000')).toBeCloseTo(21, 5)
    expect(onWhite('#ffffff')).toBeCloseTo(1, 5)
    expect(onWhite('#767676')).toBeCloseTo(4.54, 2)
  })
})
