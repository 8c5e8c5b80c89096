"""The main job: derive, compare, witness, emit, verify, write the output folder, report."""
