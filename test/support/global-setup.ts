/** Runs once before all tests. */
export default function setup(): void {
  // filled in by the end-to-end support
}
