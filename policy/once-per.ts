/** What `make` says of an object, asked once while that object lives. The answer is shared and must not be changed. */
export function oncePer<Of extends object, Made>(make: (of: Of) => Made): (of: Of) => Made {
  const known = new WeakMap<Of, Made>();
  return (of) => {
    const made = known.get(of);
    if (made !== undefined) return made;
    const fresh = make(of);
    known.set(of, fresh);
    return fresh;
  };
}
